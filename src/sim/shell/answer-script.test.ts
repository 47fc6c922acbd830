import { expect, it } from "vitest";
import { scriptAnswer } from "./answer-script.ts";

const read = "while read -r line; do [ ${#line} -gt 1 ] || break; done";
const place = { hostname: "web-1", env: { SOCAT_PEERADDR: "10.0.0.9" } };

it.each([
  [`${read}; printf "HTTP/1.0 200 OK\\r\\n\\r\\n"; hostname`, "HTTP/1.0 200 OK\r\n\r\nweb-1\n"],
  [`${read}; echo "$(hostname) saw $SOCAT_PEERADDR"`, "web-1 saw 10.0.0.9\n"],
  [`# Says who asks.\n${read}\nprintf '%s; %s\\n' "$SOCAT_PEERADDR" x\n`, "10.0.0.9; x\n"],
  [`${read}; echo '$HOME' "\\$HOME" \${NOTHING}`, "$HOME $HOME \n"],
])("%s", (script, said) => {
  expect(scriptAnswer(script, place)).toBe(said);
});

it.each([
  "hostname",
  `${read}; cat /etc/hostname`,
  `${read}; echo $(date)`,
  `${read}; hostname | rev`,
  `${read}; hostname -f`,
  `${read}; echo \`date\``,
])("says that it does not know %s", (script) => {
  expect(scriptAnswer(script, place)).toBeUndefined();
});
