-- A heavier load: sorting, joining and updating tens of thousands of rows, large texts and blobs.
CREATE TABLE big(k INTEGER, v TEXT, w REAL);
WITH RECURSIVE n(i, x) AS (SELECT 1, 12345 UNION ALL SELECT i + 1, (x * 1103515245 + 12345) & 0x7fffffff FROM n WHERE i < 30000) INSERT INTO big SELECT x % 5000, printf('%08x-%d', x, i), x / 1e6 FROM n;
CREATE INDEX big_k ON big(k); CREATE INDEX big_v ON big(v);
SELECT count(DISTINCT k), min(v), max(v), round(sum(w), 3) FROM big;
SELECT count(*) FROM big a JOIN big b ON a.k = b.k AND a.v < b.v;
SELECT v FROM big ORDER BY w DESC, v LIMIT 5 OFFSET 10000;
UPDATE big SET w = w + 1, v = v || '*' WHERE k % 7 = 3;
DELETE FROM big WHERE k % 11 = 5;
SELECT count(*), round(sum(w), 3), sum(length(v)) FROM big;
CREATE TABLE blobs(i INTEGER PRIMARY KEY, b BLOB);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60) INSERT INTO blobs SELECT i, zeroblob(i * 500) || printf('%*d', i * 100, i) FROM n;
SELECT sum(length(b)), substr(max(b), -5) FROM blobs;
SELECT group_concat(substr(b, -3), '') FROM (SELECT b FROM blobs ORDER BY i DESC);
PRAGMA integrity_check;
