// SQLite: runs the SQL scripts named in its arguments on one database in memory and one in a file; prints every row.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sqlite3.h"
static int row(void *label, int n, char **values, char **names) {
    (void)names;
    printf("%s", (const char *)label);
    for (int i = 0; i < n; i++) printf("|%s", values[i] ? values[i] : "NULL");
    printf("\n");
    return 0;
}
static void twice(sqlite3_context *c, int n, sqlite3_value **v) { (void)n; sqlite3_result_int64(c, 2 * sqlite3_value_int64(v[0])); }
static void step(sqlite3_context *c, int n, sqlite3_value **v) { (void)n; double *p = sqlite3_aggregate_context(c, sizeof *p); if (p) *p = *p * 0.5 + sqlite3_value_double(v[0]); }
static void final(sqlite3_context *c) { double *p = sqlite3_aggregate_context(c, sizeof *p); sqlite3_result_double(c, p ? *p : 0); }
static int backwards(void *p, int a, const void *x, int b, const void *y) { (void)p; int r = memcmp(x, y, (size_t)(a < b ? a : b)); return r ? -r : b - a; }
static char *contents(const char *name) {
    FILE *f = fopen(name, "r");
    if (!f) { perror(name); exit(2); }
    fseek(f, 0, SEEK_END);
    long n = ftell(f);
    rewind(f);
    char *text = malloc((size_t)n + 1);
    if (fread(text, 1, (size_t)n, f) != (size_t)n) exit(2);
    text[n] = 0;
    fclose(f);
    return text;
}
static void prepared(sqlite3 *db) {
    sqlite3_stmt *s;
    sqlite3_exec(db, "CREATE TABLE bulk(id INTEGER PRIMARY KEY, a TEXT, b REAL, c BLOB); BEGIN", 0, 0, 0);
    sqlite3_prepare_v2(db, "INSERT INTO bulk VALUES(?1, ?2, ?3, ?4)", -1, &s, 0);
    for (int i = 0; i < 3000; i++) {
        char text[40];
        snprintf(text, sizeof text, "text %d", i * 7919 % 3001);
        sqlite3_bind_int(s, 1, i);
        sqlite3_bind_text(s, 2, text, -1, SQLITE_TRANSIENT);
        sqlite3_bind_double(s, 3, i / 7.0);
        if (i % 5) sqlite3_bind_blob(s, 4, text, i % 30, SQLITE_TRANSIENT); else sqlite3_bind_null(s, 4);
        if (sqlite3_step(s) != SQLITE_DONE) printf("step: %s\n", sqlite3_errmsg(db));
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    sqlite3_exec(db, "COMMIT", 0, 0, 0);
    sqlite3_prepare_v2(db, "SELECT count(*), sum(length(a)), round(total(b), 4), sum(length(c)), min(a), max(a) FROM bulk WHERE id BETWEEN ? AND ?", -1, &s, 0);
    for (int i = 0; i < 3000; i += 700) {
        sqlite3_bind_int(s, 1, i);
        sqlite3_bind_int(s, 2, i + 500);
        while (sqlite3_step(s) == SQLITE_ROW) { for (int c = 0; c < 6; c++) printf("%s ", (const char *)sqlite3_column_text(s, c)); printf("\n"); }
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
}
int main(int argc, char **argv) {
    char file[] = "sqlite-test-XXXXXX";
    for (int where = 0; where < 2; where++) {
        sqlite3 *db;
        if (where) close(mkstemp(file));
        if (sqlite3_open(where ? file : ":memory:", &db)) return 2;
        sqlite3_create_function(db, "twice", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, 0, twice, 0, 0);
        sqlite3_create_function(db, "decay", 1, SQLITE_UTF8, 0, 0, step, final);
        sqlite3_create_collation(db, "backwards", SQLITE_UTF8, 0, backwards);
        prepared(db);
        for (int i = 1; i < argc; i++) {
            char *script = contents(argv[i]), *end;
            // One statement at a time, so that an error is a line of the output and not the end.
            for (char *at = script; *at; at = end) {
                const char *tail;
                sqlite3_stmt *s;
                if (sqlite3_prepare_v2(db, at, -1, &s, &tail)) { printf("error: %s\n", sqlite3_errmsg(db)); end = strchr(at, ';') ? strchr(at, ';') + 1 : at + strlen(at); continue; }
                end = (char *)tail;
                if (!s) continue;
                char *one = sqlite3_mprintf("%.*s", (int)(tail - at), at), *message = 0;
                sqlite3_finalize(s);
                if (sqlite3_exec(db, one, row, (void *)(where ? "file" : "memory"), &message)) printf("error: %s\n", message);
                sqlite3_free(message);
                sqlite3_free(one);
            }
            free(script);
        }
        printf("changes %d\n", sqlite3_total_changes(db));
        if (sqlite3_close(db)) printf("still open\n");
        if (where) unlink(file);
    }
    printf("%s\n", sqlite3_libversion());
    return 0;
}
