-- Numbers and their squares, by a query that calls itself.
WITH RECURSIVE numbers(n) AS (
  SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 10
)
SELECT n, n * n AS square, n * n * n AS cube FROM numbers;
