/** A page of docs/ that is written from declarations in the code. */
export interface Page {
  /** Relative to the project. */
  readonly path: string;
  /** Markdown, before prettier. */
  readonly text: string;
}
