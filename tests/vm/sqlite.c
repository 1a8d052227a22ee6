// SQLite, unmodified, all of it in the box, with the workload of tests/programs.
// privbox: -fprivbox-fn=main
// sources: sqlite sqlite3.c
// flags: -w -lm
// args: ../programs/sql/load.sql ../programs/sql/queries.sql
// compare
// only: pti=on smp=2
// limit: 300
#include "../programs/sqlite.c"
