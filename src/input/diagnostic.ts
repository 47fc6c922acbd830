/** One mistake in what the user wrote. All mistakes of an input are gathered before any is reported. */
export type Diagnostic = {
  file: string;
  /** 1-based; 0 where the mistake has no line (an unreadable or empty file). */
  line: number;
  /** What kind of mistake, for programs: `UnknownField`, `DuplicateAddress`, … */
  code: string;
  /** Where in the document: `topology.nodes.tor0.exce`. Empty for the file as a whole. */
  path: string;
  /** What is wrong and what was expected. */
  message: string;
  /** What to do, where it can be guessed: `did you mean 'exec'?`. */
  hint?: string;
};

/** Input that cannot be used. The command ends with status 2 and nothing was created. */
export class InputError extends Error {
  override readonly name = "InputError";
  readonly diagnostics: readonly Diagnostic[];
  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map(formatDiagnostic).join("\n"));
    this.diagnostics = diagnostics;
  }
}

/** For a person: every mistake, and how many they are. */
export function toldInFull({ message, diagnostics: { length } }: InputError): string {
  return `${message}\n${length} mistake${length === 1 ? "" : "s"}; nothing was created\n`;
}

/** By file, in the order the files were read, and by line; what was found twice is there once. */
export function inFileOrder(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const once = [...new Map(diagnostics.map((each) => [formatDiagnostic(each), each])).values()];
  const files = [...new Set(once.map((each) => each.file))];
  return once.sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line);
}

/** Two lines at most: `file:line: Code path: message` and the hint. */
export function formatDiagnostic(of: Diagnostic): string {
  const at = of.line > 0 ? `${of.file}:${of.line}` : of.file;
  const path = of.path === "" ? "" : ` ${of.path}`;
  const hint = of.hint === undefined ? "" : `\n  hint: ${of.hint}`;
  return `${at}: ${of.code}${path}: ${of.message}${hint}`;
}

/** The machine cannot do what was asked (not root, FRR missing, …). The command ends with status 3. */
export class EnvironmentError extends Error {
  override readonly name = "EnvironmentError";
  /** What the user can do about it. */
  readonly remedy: string;
  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}
