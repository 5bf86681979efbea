-- All of the input is one field of one row.
CREATE TABLE input (text);
.mode ascii
.import |cat input
.separator "" ""
SELECT text FROM input;
