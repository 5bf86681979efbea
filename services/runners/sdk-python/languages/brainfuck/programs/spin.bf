Adds nothing for ever
+[]
