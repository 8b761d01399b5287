import { randomUUID } from 'node:crypto';
import { Model, ModelChange, ModelComparison, ModelVersion } from '../db/entities.ts';
import { activeVersion, registerVersion } from '../db/models.ts';
import type { SessionType } from '../domain/session.ts';
import { packArtefact, unpackArtefact } from '../ml/artefact.ts';
import { sha256Of } from '../ml/tensorFile.ts';
import type { Resources } from '../resources.ts';

/** Versions of a model for tests, with the weights of the active one; what stood in the registry is put back after. */
export interface TestVersions {
  /** The version that was active before. */
  readonly active: string;
  /** Registers another one; a corrupt one has bytes that are not those of its checksum. */
  publish(options?: { corrupt?: boolean }): Promise<string>;
  /** Puts right what is stored of a corrupt one. */
  mend(version: string): Promise<void>;
  restore(): Promise<void>;
}

/** Takes note of the registry as it is, for `restore`. */
export async function testVersions({ database, objects }: Resources, name: SessionType): Promise<TestVersions> {
  const em = () => database.asService();
  const before = await em().findOneOrFail(Model, { name });
  const active = await activeVersion(em(), name);
  if (active === null) throw new Error(`${name} has no active version`);
  const artefact = unpackArtefact(await objects.getSealed(active.artefactKey));
  const ours: string[] = [];
  const keyOf = (version: string) => `models/${name}/${version}`;
  const bytesOf = (version: string) => packArtefact({ ...artefact, version });

  return {
    active: active.version,
    async publish({ corrupt = false } = {}) {
      const version = `${active.version}-${randomUUID().slice(0, 8)}`;
      ours.push(version);
      const bytes = bytesOf(version);
      const { figures, seed, sessions, profile } = artefact;
      const facts = { figures, seed, sessions, profile, backend: null, card: '' };
      await registerVersion(em(), { ...facts, name, version, artefactKey: keyOf(version), sha256: sha256Of(bytes) });
      await objects.putSealed(keyOf(version), corrupt ? bytes.map((byte, i) => (i === 999 ? byte ^ 1 : byte)) : bytes);
      return version;
    },
    mend: (version) => objects.putSealed(keyOf(version), bytesOf(version)),
    async restore() {
      const { activeVersion, canaryVersion, canaryShare, shadowVersion } = before;
      const columns = { activeVersion, canaryVersion, canaryShare, shadowVersion, updatedAt: new Date() };
      await em().nativeUpdate(Model, { name }, columns);
      await em().nativeDelete(ModelChange, { name, $or: [{ fromVersion: ours }, { toVersion: ours }] });
      await em().nativeDelete(ModelComparison, { name, $or: [{ version: ours }, { shadowVersion: ours }] });
      await em().nativeDelete(ModelVersion, { name, version: ours });
    },
  };
}
