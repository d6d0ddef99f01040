/** A JSON document that cipherloom writes, and its form. */
import { z } from 'zod';

export interface JsonSchema {
  /** `schemas/<name>.schema.json`. */
  readonly name: string;
  /** One sentence: which document this is. */
  readonly title: string;
  readonly schema: z.ZodType;
}

/** Declare the form of a document. */
export function defineJsonSchema<Schema extends z.ZodType>(
  declaration: JsonSchema & { readonly schema: Schema },
): JsonSchema & { readonly schema: Schema } {
  return declaration;
}

/** The text of the published schema, draft 2020-12. */
export function publishedSchema({ name, title, schema }: JsonSchema): string {
  const { $schema, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12' });
  const document = { $schema, $id: `urn:cipherloom:schema:${name}`, title, ...rest };
  return `${JSON.stringify(document, null, 2)}\n`;
}
