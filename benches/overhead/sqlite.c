/* SQLite: inserts in transactions, indexes, joins, aggregates, updates, text functions, in memory. */
#include "workload.h"

#include <stdlib.h>

#include "sqlite3.h"

/* SQLite allocates from this through its own allocator (MEMSYS5), so that allocations are work in the
 * box and not calls out of it, whose cost is another question. */
static _Alignas(16) unsigned char heap[192 << 20];

static sqlite3 *db;

static void execute(const char *sql)
{
	char *message;

	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail(message ? message : sql);
}

static sqlite3_stmt *prepare(const char *sql)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		fail(sqlite3_errmsg(db));
	return statement;
}

static uint64_t query(uint64_t sum, const char *sql)
{
	sqlite3_stmt *statement = prepare(sql);
	int rc;

	while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
		for (int i = 0; i < sqlite3_column_count(statement); i++)
			sum = checksum_bytes(sum, sqlite3_column_text(statement, i),
					     (size_t)sqlite3_column_bytes(statement, i));
	if (rc != SQLITE_DONE)
		fail(sqlite3_errmsg(db));
	sqlite3_finalize(statement);
	return sum;
}

static void insert(int rows, uint64_t *seed)
{
	sqlite3_stmt *statement = prepare("INSERT INTO item(k, v, t) VALUES(?1, ?2, printf('item %d of %x', ?1, ?2))");

	for (int i = 0; i < rows; i++) {
		if (i % 500 == 0)
			execute("BEGIN");
		sqlite3_bind_int(statement, 1, (int)(random_next(seed) % 10000));
		sqlite3_bind_int(statement, 2, (int)(random_next(seed) % 1000000));
		if (sqlite3_step(statement) != SQLITE_DONE)
			fail(sqlite3_errmsg(db));
		sqlite3_reset(statement);
		if (i % 500 == 499 || i + 1 == rows)
			execute("COMMIT");
	}
	sqlite3_finalize(statement);
}

static uint64_t look_up(uint64_t sum, int times, uint64_t *seed)
{
	sqlite3_stmt *statement = prepare("SELECT count(*), max(v), min(t) FROM item WHERE k = ?");

	for (int i = 0; i < times; i++) {
		sqlite3_bind_int(statement, 1, (int)(random_next(seed) % 10000));
		if (sqlite3_step(statement) != SQLITE_ROW)
			fail(sqlite3_errmsg(db));
		sum = checksum_add(sum, (uint64_t)sqlite3_column_int64(statement, 1));
		sqlite3_reset(statement);
	}
	sqlite3_finalize(statement);
	return sum;
}

uint64_t workload(unsigned rounds)
{
	uint64_t seed = 42, sum = 0;
	int rows = (int)rounds * 2000;

	if (sqlite3_config(SQLITE_CONFIG_HEAP, heap, (int)sizeof(heap), 64) != SQLITE_OK)
		fail("sqlite3_config");
	if (sqlite3_open(":memory:", &db) != SQLITE_OK)
		fail("sqlite3_open");
	execute("CREATE TABLE item(id INTEGER PRIMARY KEY, k INT, v INT, t TEXT);"
		"CREATE TABLE kind(k INTEGER PRIMARY KEY, name TEXT)");
	insert(rows, &seed);
	execute("CREATE INDEX item_k ON item(k, v)");
	execute("INSERT INTO kind SELECT DISTINCT k, 'kind-' || k FROM item");
	sum = look_up(sum, rows / 2, &seed);
	sum = query(sum, "SELECT name, count(*), sum(v), avg(length(t)) FROM item JOIN kind USING(k)"
			 " WHERE name LIKE '%7%' GROUP BY name ORDER BY 3 DESC LIMIT 100");
	execute("BEGIN; UPDATE item SET v = v + 1, t = upper(t) WHERE k % 3 = 0; COMMIT");
	execute("DELETE FROM item WHERE k % 10 = 1");
	sum = query(sum, "SELECT substr(t, 1, 6), count(*), max(replace(t, ' ', '-')) FROM item GROUP BY 1");
	sum = query(sum, "SELECT a.k, count(*) FROM item a JOIN item b ON b.k = a.k AND b.v > a.v"
			 " WHERE a.v < 200000 GROUP BY a.k ORDER BY 2 DESC, 1 LIMIT 50");
	sum = query(sum, "WITH RECURSIVE n(i, x) AS (SELECT 1, 1 UNION ALL SELECT i + 1, (x * 75 + 74) % 65537"
			 " FROM n WHERE i < 100000) SELECT sum(x), count(DISTINCT x % 1000) FROM n");
	sqlite3_close(db);
	return sum;
}
