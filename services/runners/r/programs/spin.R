repeat NULL
