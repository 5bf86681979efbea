CREATE TABLE kept (piece);
WITH RECURSIVE pieces (piece) AS (SELECT 1 UNION ALL SELECT 1 FROM pieces)
INSERT INTO kept SELECT randomblob(8 * 1024 * 1024) FROM pieces;
