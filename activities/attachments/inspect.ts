import { createHash } from 'node:crypto';
import { fileTypeFromBuffer } from 'file-type';
import type { MediaType } from '../../domain/attachments.ts';

/** What a file is by its bytes. */
export interface Inspection {
  sizeBytes: number;
  /** Hexadecimal. */
  sha256: string;
  /** Whether it is a file of the type that was named. */
  isOfType: boolean;
}

/** How much of a file its type is told by. */
const headBytes = 4_100;

/**
 * What a file may look like to be one of a type. A container says whether it holds sound alone only deep inside, so
 * one that may hold pictures is taken as well; it is saved and never shown, and does no harm. Plain text has no form: a
 * note that begins with "BMW" begins like a bitmap, so it is read whole instead.
 */
const looksLike: Record<Exclude<MediaType, 'text/plain'>, readonly string[]> = {
  'image/png': ['image/png'],
  'image/jpeg': ['image/jpeg'],
  'image/webp': ['image/webp'],
  'audio/mp4': ['audio/x-m4a', 'audio/mp4', 'video/mp4'],
  'audio/mpeg': ['audio/mpeg'],
  'audio/ogg': ['audio/ogg', 'audio/ogg; codecs=opus'],
  'audio/wav': ['audio/wav'],
  'audio/webm': ['video/webm'],
  'application/pdf': ['application/pdf'],
};

/** Reads a file once, from its first byte to its last, without holding it. */
export async function inspect(file: AsyncIterable<Uint8Array>, mediaType: MediaType): Promise<Inspection> {
  const hash = createHash('sha256');
  const reader = mediaType === 'text/plain' ? new TextReader() : new HeadReader(looksLike[mediaType]);
  let sizeBytes = 0;
  for await (const chunk of file) {
    hash.update(chunk);
    reader.read(chunk);
    sizeBytes += chunk.length;
  }
  return { sizeBytes, sha256: hash.digest('hex'), isOfType: await reader.isOfType() };
}

/** Whether a file begins as one of these types does. */
class HeadReader {
  private readonly types: readonly string[];
  private readonly head: Uint8Array[] = [];
  private missingBytes = headBytes;

  constructor(types: readonly string[]) {
    this.types = types;
  }

  read(chunk: Uint8Array): void {
    const part = chunk.subarray(0, this.missingBytes);
    if (part.length > 0) this.head.push(part);
    this.missingBytes -= part.length;
  }

  async isOfType(): Promise<boolean> {
    const found = await fileTypeFromBuffer(Buffer.concat(this.head));
    return found !== undefined && this.types.includes(found.mime);
  }
}

/** Whether bytes are UTF-8 text that people read: no control characters but tabs, line and page breaks. */
class TextReader {
  private readonly decoder = new TextDecoder('utf-8', { fatal: true });
  private isWell = true;

  read(chunk: Uint8Array): void {
    this.take(() => this.decoder.decode(chunk, { stream: true }));
  }

  isOfType(): boolean {
    this.take(() => this.decoder.decode());
    return this.isWell;
  }

  private take(decode: () => string): void {
    if (!this.isWell) return;
    try {
      // eslint-disable-next-line no-control-regex -- these are what it looks for
      this.isWell = !/[\x00-\x08\x0b\x0e-\x1f\x7f]/.test(decode());
    } catch {
      this.isWell = false;
    }
  }
}
