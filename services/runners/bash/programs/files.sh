IFS= read -r -d '' text < data.txt
printf '%s' "${text^^}" > out/result.txt
