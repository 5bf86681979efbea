WITH RECURSIVE lines (line) AS (SELECT printf('%.63c', 'x') UNION ALL SELECT line FROM lines)
SELECT line FROM lines;
