echo before
echo "${missing:?is not set}"
