Copies until the end of input which is minus one
,+[-.,+]
