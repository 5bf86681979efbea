CREATE TABLE data AS SELECT upper(readfile('data.txt')) AS text;
.output out/result.txt
.separator "" ""
SELECT text FROM data;
