/** What we use of the package: its own types name their files without endings, which TypeScript does not resolve here. */
declare module '@huggingface/tokenizers' {
  export class Tokenizer {
    /** The contents of a model's `tokenizer.json` and `tokenizer_config.json`. */
    constructor(tokenizer: object, config: object);
    /** A text's tokens with the marks at its beginning and end; nothing is cut off. */
    encode(text: string): { ids: number[] };
  }
}
