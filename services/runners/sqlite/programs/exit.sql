.output stderr
.print bye
.exit 3
