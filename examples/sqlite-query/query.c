/*
 * A query workload on SQLite: a small shop. Tables are filled in transactions, indexed, joined,
 * aggregated and updated, with text functions, a recursive query and a window function. All data come
 * from a fixed generator, so the output is the same on every run and every machine.
 *
 * Nothing here knows about boxes: `run_queries` is put into one from outside, with
 * `privbox-cc -fprivbox-fn=run_queries`.
 *
 * Usage: query [ORDERS]    (default 100000)
 * Standard output: the results. Standard error: the workload's time in seconds.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sqlite3.h"

static uint64_t seed = 0x9e3779b97f4a7c15u;

/* xorshift64*: small, fixed, good enough to spread keys. */
static uint32_t next(uint32_t below)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (uint32_t)((seed * 0x2545f4914f6cdd1du) >> 33) % below;
}

static void fail(sqlite3 *db, const char *what)
{
	fprintf(stderr, "query: %s: %s\n", what, sqlite3_errmsg(db));
	exit(1);
}

static void execute(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail(db, sql);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		fail(db, sql);
	return statement;
}

static void step(sqlite3 *db, sqlite3_stmt *statement)
{
	if (sqlite3_step(statement) != SQLITE_DONE)
		fail(db, "step");
	sqlite3_reset(statement);
}

/* Prints a heading and every row of a query. */
static void show(sqlite3 *db, const char *title, const char *sql)
{
	sqlite3_stmt *statement = prepare(db, sql);
	int columns = sqlite3_column_count(statement);
	int rc;

	printf("-- %s\n", title);
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
		for (int i = 0; i < columns; i++) {
			if (i)
				putchar('|');
			switch (sqlite3_column_type(statement, i)) {
			case SQLITE_NULL:
				printf("null");
				break;
			case SQLITE_FLOAT:
				printf("%.3f", sqlite3_column_double(statement, i));
				break;
			default:
				printf("%s", sqlite3_column_text(statement, i));
			}
		}
		putchar('\n');
	}
	if (rc != SQLITE_DONE)
		fail(db, title);
	sqlite3_finalize(statement);
}

static void fill(sqlite3 *db, int customers, int products, int orders)
{
	static const char *const cities[] = { "Haifa", "Jena", "Oslo", "Porto", "Quito", "Turin" };
	static const char *const nouns[] = { "lamp", "chair", "kettle", "shelf", "clock", "stool", "vase" };
	static const char *const adjectives[] = { "blue", "small", "folding", "oak", "quiet" };
	sqlite3_stmt *statement;

	execute(db, "CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT, city TEXT)");
	execute(db, "CREATE TABLE product(id INTEGER PRIMARY KEY, title TEXT, price REAL, stock INT)");
	execute(db, "CREATE TABLE purchase(id INTEGER PRIMARY KEY, customer INT, product INT,"
		    " amount INT, day INT)");

	execute(db, "BEGIN");
	statement = prepare(db, "INSERT INTO customer VALUES(?1, printf('customer-%05d', ?1), ?2)");
	for (int i = 1; i <= customers; i++) {
		sqlite3_bind_int(statement, 1, i);
		sqlite3_bind_text(statement, 2, cities[next(6)], -1, SQLITE_STATIC);
		step(db, statement);
	}
	sqlite3_finalize(statement);

	statement = prepare(db, "INSERT INTO product VALUES(?1, ?2 || ' ' || ?3, ?4, ?5)");
	for (int i = 1; i <= products; i++) {
		sqlite3_bind_int(statement, 1, i);
		sqlite3_bind_text(statement, 2, adjectives[next(5)], -1, SQLITE_STATIC);
		sqlite3_bind_text(statement, 3, nouns[next(7)], -1, SQLITE_STATIC);
		sqlite3_bind_double(statement, 4, (1 + next(20000)) / 100.0);
		sqlite3_bind_int(statement, 5, (int)next(500));
		step(db, statement);
	}
	sqlite3_finalize(statement);
	execute(db, "COMMIT");

	statement = prepare(db, "INSERT INTO purchase(customer, product, amount, day) VALUES(?,?,?,?)");
	for (int i = 0; i < orders; i++) {
		if (i % 1000 == 0)
			execute(db, "BEGIN");
		sqlite3_bind_int(statement, 1, 1 + (int)next((uint32_t)customers));
		sqlite3_bind_int(statement, 2, 1 + (int)next((uint32_t)products));
		sqlite3_bind_int(statement, 3, 1 + (int)next(9));
		sqlite3_bind_int(statement, 4, (int)next(365));
		step(db, statement);
		if (i % 1000 == 999 || i + 1 == orders)
			execute(db, "COMMIT");
	}
	sqlite3_finalize(statement);
}

static void update(sqlite3 *db)
{
	execute(db, "BEGIN");
	execute(db, "UPDATE product SET stock = stock + 100 WHERE stock < 50");
	execute(db, "UPDATE product SET price = round(price * 1.1, 2) WHERE title LIKE '%oak%'");
	execute(db, "DELETE FROM purchase WHERE day BETWEEN 100 AND 110 AND amount = 1");
	execute(db, "COMMIT");
	execute(db, "BEGIN");
	execute(db, "UPDATE customer SET city = upper(city)");
	execute(db, "ROLLBACK");
}

/* Looks rows up one by one through a prepared statement, as servers do. */
static void look_up(sqlite3 *db, int customers, int times)
{
	sqlite3_stmt *statement =
		prepare(db, "SELECT count(*), sum(amount) FROM purchase WHERE customer = ?");
	int64_t rows = 0, amount = 0;

	for (int i = 0; i < times; i++) {
		sqlite3_bind_int(statement, 1, 1 + (int)next((uint32_t)customers));
		if (sqlite3_step(statement) != SQLITE_ROW)
			fail(db, "look up");
		rows += sqlite3_column_int64(statement, 0);
		amount += sqlite3_column_int64(statement, 1);
		sqlite3_reset(statement);
	}
	sqlite3_finalize(statement);
	printf("-- %d look-ups\n%lld|%lld\n", times, (long long)rows, (long long)amount);
}

/* The workload. Returns 0, or exits with a message. */
int run_queries(int orders)
{
	int customers = 1 + orders / 20, products = 400;
	sqlite3 *db;

	if (sqlite3_open(":memory:", &db) != SQLITE_OK)
		fail(db, "open");
	fill(db, customers, products, orders);
	execute(db, "CREATE INDEX purchase_customer ON purchase(customer, day)");
	execute(db, "CREATE INDEX purchase_product ON purchase(product)");
	execute(db, "CREATE INDEX customer_city ON customer(city)");
	execute(db, "ANALYZE");

	show(db, "rows", "SELECT (SELECT count(*) FROM customer), (SELECT count(*) FROM product),"
			 " (SELECT count(*) FROM purchase)");
	show(db, "turnover by city",
	     "SELECT c.city, count(*), sum(p.amount), sum(p.amount * r.price)"
	     " FROM purchase p JOIN customer c ON c.id = p.customer JOIN product r ON r.id = p.product"
	     " GROUP BY c.city ORDER BY 4 DESC");
	show(db, "best products",
	     "SELECT r.title, sum(p.amount) AS n, avg(p.amount), max(p.day)"
	     " FROM product r LEFT JOIN purchase p ON p.product = r.id"
	     " GROUP BY r.title HAVING n > 100 ORDER BY n DESC, r.title LIMIT 10");
	update(db);
	show(db, "text functions",
	     "SELECT upper(substr(title, 1, 4)), length(group_concat(title)), count(*),"
	     " sum(instr(title, 'oak') > 0), max(replace(title, ' ', '_'))"
	     " FROM product GROUP BY 1 ORDER BY 1");
	show(db, "running total of the first days",
	     "SELECT day, n, sum(n) OVER (ORDER BY day) FROM"
	     " (SELECT day, sum(amount) AS n FROM purchase GROUP BY day) LIMIT 7");
	show(db, "customers who bought a lot on one day",
	     "SELECT name, day, total FROM (SELECT customer, day, sum(amount) AS total FROM purchase"
	     " GROUP BY customer, day) JOIN customer ON id = customer"
	     " WHERE total >= 18 ORDER BY total DESC, name, day LIMIT 8");
	show(db, "primes below 60, by recursion",
	     "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 60)"
	     " SELECT group_concat(i, ' ') FROM n WHERE NOT EXISTS"
	     " (SELECT 1 FROM n AS d WHERE d.i < n.i AND n.i % d.i = 0)");
	look_up(db, customers, orders / 2);
	show(db, "integrity", "PRAGMA integrity_check");
	sqlite3_close(db);
	return 0;
}

int main(int argc, char **argv)
{
	int orders = argc > 1 ? atoi(argv[1]) : 100000;
	struct timespec start, end;
	int rc;

	if (orders < 1 || orders > 10000000) {
		fprintf(stderr, "usage: query [ORDERS], between 1 and 10000000\n");
		return 2;
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	rc = run_queries(orders);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	fprintf(stderr, "%.3f\n", (double)(end.tv_sec - start.tv_sec) +
				  (double)(end.tv_nsec - start.tv_nsec) / 1e9);
	return rc;
}
