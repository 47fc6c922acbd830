/**
 * Splits a command into words as containerlab does (google/shlex): quotes and backslashes as a
 * shell reads them, a word that begins with `#` ends the line, and nothing is expanded, piped or
 * redirected.
 */
export function splitShellWords(command: string): { words: string[] } | { unfinished: string } {
  const words: string[] = [];
  let word: string | undefined;
  for (let i = 0; i < command.length; i++) {
    const char = command[i]!;
    if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === "#" && word === undefined) {
      const end = command.indexOf("\n", i);
      if (end < 0) break;
      i = end;
    } else if (char === "\\") {
      if (++i === command.length) return { unfinished: "a backslash with nothing after it" };
      word = (word ?? "") + command[i]!;
    } else if (char === "'") {
      const end = command.indexOf("'", i + 1);
      if (end < 0) return { unfinished: "a single quote (') that is not closed" };
      word = (word ?? "") + command.slice(i + 1, end);
      i = end;
    } else if (char === '"') {
      word ??= "";
      while (command[++i] !== '"') {
        if (command[i] === "\\") i++;
        if (i >= command.length) return { unfinished: 'a double quote (") that is not closed' };
        word += command[i]!;
      }
    } else word = (word ?? "") + char;
  }
  if (word !== undefined) words.push(word);
  return { words };
}
