import { ApiError } from '../domain/errors.ts';

/** Deeper than anything that a route takes. What nests for ever costs far more to parse than to send. */
const mostLevels = 64;

const [quote, backslash] = [0x22, 0x5c];
const opening: readonly number[] = [0x5b, 0x7b];
const closing: readonly number[] = [0x5d, 0x7d];

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

function nestsDeeper(json: Uint8Array, levels: number): boolean {
  let open = 0;
  let isText = false;
  for (let i = 0; i < json.length; i += 1) {
    const byte = json[i] ?? 0;
    if (isText && byte === backslash) i += 1;
    else if (byte === quote) isText = !isText;
    else if (isText) continue;
    else if (closing.includes(byte)) open -= 1;
    else if (opening.includes(byte) && ++open > levels) return true;
  }
  return false;
}
