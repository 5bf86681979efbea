Goes to the right for ever and touches each cell
+[>+]
