# Reads a request to its empty line; answers with the address that the caller is seen by.
while read -r line; do [ ${#line} -gt 1 ] || break; done
printf 'HTTP/1.0 200 OK\r\n\r\n%s\n' "$SOCAT_PEERADDR"
