CREATE TABLE people (name TEXT, born INTEGER);
INSERT INTO people VALUES ('Ada Lovelace', 1815), ('Grace Hopper', 1906), ('Margaret Hamilton', 1936);

SELECT name, born / 100 + 1 AS century FROM people ORDER BY born DESC;
