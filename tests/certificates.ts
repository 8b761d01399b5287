import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate and its private key, both as PEM. */
interface Certified {
  certificate: string;
  key: string;
}

/** An authority of a test's own, with a server on 127.0.0.1 and a client that it vouches for. Made by `openssl`. */
export function makeCertificates(): { authority: string; server: Certified; client: Certified } {
  const folder = mkdtempSync(join(tmpdir(), 'certificates-'));
  const at = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const certify = (name: string): Certified => {
    openssl('req', ...newKey, '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`), '-subj', `/CN=${name}`);
    writeFileSync(at('extensions'), 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n');
    const signing = ['-CA', at('authority.crt'), '-CAkey', at('authority.key'), '-CAcreateserial', '-days', '1'];
    openssl('x509', '-req', '-in', at(`${name}.csr`), ...signing, '-extfile', at('extensions'), '-out', at(name));
    return { certificate: readFileSync(at(name), 'utf8'), key: readFileSync(at(`${name}.key`), 'utf8') };
  };
  try {
    const subject = ['-subj', '/CN=authority', '-days', '1'];
    openssl('req', '-x509', ...newKey, '-keyout', at('authority.key'), '-out', at('authority.crt'), ...subject);
    const [server, client] = [certify('server'), certify('client')];
    return { authority: readFileSync(at('authority.crt'), 'utf8'), server, client };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
