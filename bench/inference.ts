import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { sessionContentSchema, type SessionContent } from '../domain/impressions.ts';
import type { SessionType } from '../domain/session.ts';
import { listBundledArtefacts, unpackArtefact, type BundledArtefact } from '../ml/artefact.ts';
import { openBackend } from '../ml/backend.ts';
import { createEngine, type Engine } from '../ml/engine.ts';
import { inputOf } from '../ml/inference.ts';
import type { Model } from '../ml/model.ts';
import { models } from '../ml/models.ts';
import { at } from '../ml/sequence.ts';
import { quantile, throughputOf } from './statistics.ts';

/**
 * `npm run bench:inference`: what the engine makes of its models, as ratios within the same run. Each round measures
 * the bare model in this process and the engine in turn, so that what else the machine does falls on all alike.
 */

const rounds = 5;
const batch = 32;
/** A measurement takes at least this long. */
const leastMs = 300;

interface Cost {
  readonly predictAlone: number;
  readonly predictTogether: number;
  readonly encode: number;
  readonly report: number;
  readonly engineAlone: number;
  readonly engineTogether: number;
}

const runtime = await openBackend();
const artefacts = await listBundledArtefacts();
const engine = await createEngine();
await engine.serve(artefacts.map(({ bytes, ...artefact }) => ({ ...artefact, fetch: () => Promise.resolve(bytes) })));

say(`${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}, ${runtime.backend}`);
say(`Milliseconds a session, the middle of ${rounds} rounds; together: ${batch} sessions`, '');
row('', 'predict', 'together', 'gain', 'encode', 'report', 'engine', 'together', 'gain', 'over predict', 'over model');
for (const artefact of artefacts) {
  switch (artefact.name) {
    case 'remote_viewing':
      await show(models.remote_viewing, artefact);
      break;
    case 'dowsing':
      await show(models.dowsing, artefact);
      break;
    case 'precognition':
      await show(models.precognition, artefact);
      break;
    case 'intuitive_analysis':
      await show(models.intuitive_analysis, artefact);
      break;
  }
}
await engine.close();

async function show<T extends SessionType>(model: Model<T>, artefact: BundledArtefact): Promise<void> {
  const name = model.sessionType.replaceAll('_', '-');
  const content = sessionContentSchema.parse(JSON.parse(await readFile(`examples/${name}.json`, 'utf8')));
  const measured: Cost[] = [];
  for (let round = 0; round < rounds; round++) measured.push(await costOf(model, artefact, content));
  const middle = (figure: (cost: Cost) => number) => quantile(measured.map(figure), 0.5);
  row(
    name,
    ms(middle((cost) => cost.predictAlone)),
    ms(middle((cost) => cost.predictTogether)),
    times(middle((cost) => cost.predictAlone / cost.predictTogether)),
    ms(middle((cost) => cost.encode)),
    ms(middle((cost) => cost.report)),
    ms(middle((cost) => cost.engineAlone)),
    ms(middle((cost) => cost.engineTogether)),
    times(middle((cost) => cost.engineAlone / cost.engineTogether)),
    percent(middle((cost) => cost.engineTogether / cost.predictTogether - 1)),
    percent(middle((cost) => cost.engineTogether / (cost.predictTogether + cost.encode + cost.report) - 1)),
  );
}

async function costOf<T extends SessionType>(
  model: Model<T>,
  artefact: BundledArtefact,
  content: SessionContent,
): Promise<Cost> {
  const predict = model.load(runtime, unpackArtefact(artefact.bytes).weights);
  const input = inputOf(content, model.sessionType);
  if (input === null) throw new Error('The example has no impressions');
  const inputs = model.encode(input, runtime);
  const many = Array.from({ length: batch }, () => inputs);
  const outputs = at(await predict([inputs]), 0);
  const stamp = { name: artefact.name, version: artefact.version, backend: runtime.backend };
  return {
    predictAlone: await msOf(() => predict([inputs])),
    predictTogether: (await msOf(() => predict(many))) / batch,
    encode: await msOf(() => Promise.resolve(model.encode(input, runtime))),
    report: await msOf(() => Promise.resolve(model.report({ input, inputs, outputs, model: stamp }))),
    engineAlone: await engineMs(engine, content, 1),
    engineTogether: await engineMs(engine, content, batch),
  };
}

/** How long one call takes on average. */
async function msOf(call: () => Promise<unknown>): Promise<number> {
  await call();
  const startedAt = performance.now();
  let calls = 0;
  while (performance.now() - startedAt < leastMs) {
    await call();
    calls += 1;
  }
  return (performance.now() - startedAt) / calls;
}

/** How long a session takes when so many are always in flight. */
async function engineMs(engine: Engine, content: SessionContent, inFlight: number): Promise<number> {
  const { perSecond } = await throughputOf(8 * inFlight, inFlight, () => engine.analyze(content));
  const count = Math.ceil((perSecond * leastMs) / 1000 / inFlight) * inFlight;
  return 1000 / (await throughputOf(count, inFlight, () => engine.analyze(content))).perSecond;
}

function ms(value: number): string {
  return value.toFixed(3);
}

function times(value: number): string {
  return `${value.toFixed(1)} ×`;
}

function percent(value: number): string {
  return `${(100 * value).toFixed(0)}%`;
}

function row(name: string, ...values: string[]): void {
  say(`  ${name.padEnd(20)}${values.map((value) => value.padStart(13)).join('')}`);
}

function say(...lines: string[]): void {
  for (const line of lines) console.log(line);
}
