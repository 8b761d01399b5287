import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { sessionContentSchema, type SessionContent } from '../domain/content.ts';
import type { SessionType } from '../domain/session.ts';
import { listBundledArtefacts, unpackArtefact, type BundledArtefact } from '../ml/artefact.ts';
import { openBackend } from '../ml/backend.ts';
import { createEngine } from '../ml/engine.ts';
import { inputOf } from '../ml/inference.ts';
import type { Model } from '../ml/model.ts';
import { models } from '../ml/models.ts';
import { at } from '../ml/sequence.ts';
import { quantile, throughputOf } from './statistics.ts';

/**
 * `npm run bench:inference`: what batching gains, and what the engine adds to its models. Each round measures the bare
 * model in this process, the engine asked for one session after the other and the engine with 32 in flight, in turn, so
 * that what else the machine does falls on all alike; the middle round counts. Processor time is told beside the clock,
 * since it depends less on what else runs. Sessions are the examples of `examples/`.
 */

const rounds = 5;
const inFlight = 32;
/** A measurement takes at least this long. */
const leastMs = 400;

/** Milliseconds for one session. */
interface Cost {
  readonly clockMs: number;
  readonly processorMs: number;
}

interface Round {
  /** `model.predict` alone, with 32 sessions. */
  readonly predict: Cost;
  readonly encode: Cost;
  readonly report: Cost;
  /** The engine asked for one session after the other, and with 32 in flight. */
  readonly oneByOne: Cost;
  readonly batched: Cost;
}

const runtime = await openBackend();
const artefacts = await listBundledArtefacts();
const engine = await createEngine();
await engine.serve(artefacts.map(({ bytes, ...artefact }) => ({ ...artefact, fetch: () => Promise.resolve(bytes) })));

say(`${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}, ${runtime.backend}`);
say(`Milliseconds for one session, ${inFlight} in flight or at once, the middle of ${rounds} rounds.`, '');
row('', '', 'predict', 'encode', 'report', 'one by one', 'batched', 'gain', 'over predict', 'over all three');
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
  const measured: Round[] = [];
  for (let round = 0; round < rounds; round++) measured.push(await measure(model, artefact, content));
  for (const [by, label] of [
    ['clockMs', 'clock'],
    ['processorMs', 'processor'],
  ] as const) {
    const middle = (figure: (of: Record<keyof Round, number>) => number) =>
      quantile(
        measured.map((round) =>
          figure({
            predict: round.predict[by],
            encode: round.encode[by],
            report: round.report[by],
            oneByOne: round.oneByOne[by],
            batched: round.batched[by],
          }),
        ),
        0.5,
      );
    row(
      by === 'clockMs' ? name : '',
      label,
      ms(middle(({ predict }) => predict)),
      ms(middle(({ encode }) => encode)),
      ms(middle(({ report }) => report)),
      ms(middle(({ oneByOne }) => oneByOne)),
      ms(middle(({ batched }) => batched)),
      `${middle(({ oneByOne, batched }) => oneByOne / batched).toFixed(1)} ×`,
      percent(middle(({ predict, batched }) => batched / predict - 1)),
      percent(middle(({ predict, encode, report, batched }) => batched / (predict + encode + report) - 1)),
    );
  }
}

async function measure<T extends SessionType>(
  model: Model<T>,
  artefact: BundledArtefact,
  content: SessionContent,
): Promise<Round> {
  const predict = model.load(runtime, unpackArtefact(artefact.bytes).weights);
  const input = inputOf(content, model.sessionType);
  if (input === null) throw new Error('The example has no impressions');
  const inputs = model.encode(input, runtime);
  const many = Array.from({ length: inFlight }, () => inputs);
  const outputs = at(await predict([inputs]), 0);
  const stamp = { name: artefact.name, version: artefact.version, backend: runtime.backend };
  return {
    predict: await costOf(() => predict(many), inFlight),
    encode: await costOf(() => Promise.resolve(model.encode(input, runtime)), 1),
    report: await costOf(() => Promise.resolve(model.report({ input, inputs, outputs, model: stamp })), 1),
    oneByOne: await engineCost(content, 1),
    batched: await engineCost(content, inFlight),
  };
}

function engineCost(content: SessionContent, atOnce: number): Promise<Cost> {
  const sessions = 4 * atOnce;
  return costOf(() => throughputOf(sessions, atOnce, () => engine.analyze(content)), sessions);
}

/** What one of the sessions costs that a call answers. */
async function costOf(call: () => Promise<unknown>, sessionsEach: number): Promise<Cost> {
  await call();
  const [startedAt, before] = [performance.now(), process.cpuUsage()];
  let sessions = 0;
  while (performance.now() - startedAt < leastMs) {
    await call();
    sessions += sessionsEach;
  }
  const { user, system } = process.cpuUsage(before);
  return { clockMs: (performance.now() - startedAt) / sessions, processorMs: (user + system) / 1000 / sessions };
}

function ms(value: number): string {
  return value.toFixed(3);
}

function percent(value: number): string {
  return `${(100 * value).toFixed(0)}%`;
}

function row(name: string, ...values: string[]): void {
  say(`  ${name.padEnd(20)}${values.map((value) => value.padStart(15)).join('')}`);
}

function say(...lines: string[]): void {
  for (const line of lines) console.log(line);
}
