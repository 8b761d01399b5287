import { ApiError } from '../domain/errors.ts';

/** Deeper than anything that a route takes. What nests for ever costs far more to parse than to send. */
const mostLevels = 64;

const [quote, backslash] = [0x22, 0x5c];
const [openBracket, closeBracket] = [0x5b, 0x5d];
const [openBrace, closeBrace] = [0x7b, 0x7d];

/**
 * Looks at a body before it is parsed, for `verify` of Express's parser.
 *
 * @throws ApiError `unsupported_media_type`: JSON is UTF-8 (RFC 8259, 8.1); `validation_failed` where it nests too deep
 */
export function refuseDeepNesting(_request: unknown, _response: unknown, body: Uint8Array, charset: string): void {
  if (charset !== 'utf-8') throw new ApiError('unsupported_media_type');
  if (!nestsDeeper(body, mostLevels)) return;
  throw new ApiError('validation_failed', [{ path: 'body', message: `nests more than ${mostLevels} levels deep` }]);
}

/** One comparison a byte where it can be, since it is ten million bytes at the most. */
function nestsDeeper(json: Uint8Array, levels: number): boolean {
  let open = 0;
  let isText = false;
  for (let i = 0; i < json.length; i += 1) {
    const byte = json[i];
    if (isText) {
      if (byte === backslash) i += 1;
      else if (byte === quote) isText = false;
    } else if (byte === quote) isText = true;
    else if (byte === openBracket || byte === openBrace) {
      open += 1;
      if (open > levels) return true;
    } else if (byte === closeBracket || byte === closeBrace) open -= 1;
  }
  return false;
}
