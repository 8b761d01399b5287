import type { Runtime } from '../backend.ts';
import type { Random } from '../random.ts';
import { at } from '../sequence.ts';
import { type NamedTensors, toLive } from '../tensors.ts';
import { drawSketch, type Hand } from './drawings/hand.ts';
import { type ObjectName, objectNames } from './drawings/objects.ts';
import type { Example } from './examples.ts';
import type { Gallery } from './gallery.ts';
import { describeTarget, type SimulatedSession, simulateSession, simulateTarget } from './generator.ts';
import { type BaseRates, compareAll, type Merit, meritOf } from './match.ts';
import { type Reading, readSessions, type Seen } from './network.ts';
import { asPoolTarget } from './poolTarget.ts';
import { rasterise } from './raster.ts';
import { type Part, type Phrase, type PhraseBank, phraseBank } from './wording.ts';

/** Whose hand draws in a part: the test's distorts as none of those that were learned from. */
export function handOf(part: Part): Hand {
  return part === 'test' ? 'unseen_distortion' : 'learned';
}

/** @throws RangeError when a phrase is none of that part. */
function phrasesIn({ phrases }: PhraseBank, texts: readonly string[]): Phrase[] {
  return texts.map((text) => {
    const phrase = phrases.get(text);
    if (phrase === undefined) throw new RangeError('The phrase is none of its part');
    return phrase;
  });
}

function pictureOf(random: Random, drawn: ObjectName | undefined, part: Part): Float32Array {
  return rasterise(drawSketch(random, drawn, handOf(part)));
}

/** A simulated session as the network learns from it: all of its target is known. */
export function exampleOf(random: Random, session: SimulatedSession, bank: PhraseBank): Example {
  const { target, words, drawn, sketched } = session;
  return {
    picture: pictureOf(random, drawn, 'learned'),
    sketched,
    phrases: phrasesIn(bank, words),
    objects: drawn === undefined ? objectNames : [drawn],
    terrain: target.terrain,
    descriptors: target.descriptors,
    things: [target.object, ...target.others],
  };
}

/** What a model says of a simulated session; the targets of its pool have the true one first. */
export interface Judged {
  readonly session: SimulatedSession;
  readonly reading: Reading;
  /** Which targets are shown in a picture. */
  readonly shown: readonly boolean[];
  readonly features: readonly (readonly number[])[];
  readonly merits: readonly Merit[];
}

interface JudgeOptions {
  readonly runtime: Runtime;
  readonly weights: NamedTensors;
  readonly base: BaseRates;
  readonly random: Random;
  readonly part: Part;
  readonly signal: (random: Random) => number;
  readonly sessions: number;
  /** How many targets each session is compared with. */
  readonly poolSize: number;
  /** Where some targets are not described but shown: their pictures, and the share of targets that are. */
  readonly pictures?: { readonly gallery: Gallery; readonly share: number };
}

const sessionsAtOnce = 250;

/** Lets a model read simulated sessions and compare them with pools of targets. */
export async function judgeSimulated(options: JudgeOptions): Promise<Judged[]> {
  const { runtime, weights, sessions, part } = options;
  const bank = await phraseBank(runtime, part);
  const live = toLive(runtime.tf, weights);
  const judged: Judged[] = [];
  for (let start = 0; start < sessions; start += sessionsAtOnce) {
    const some = Array.from({ length: Math.min(sessionsAtOnce, sessions - start) }, () =>
      simulateJudging(options, bank),
    );
    const seen = some.flatMap(({ own, pool }) => [own, ...pool]);
    const readings = await readSessions(runtime.tf, live, seen);
    let next = 0;
    const read = some.map(({ session, own, pool }) => ({
      session,
      phrases: own.phrases,
      reading: at(readings, next++),
      shown: pool.map(({ pictures }) => pictures.length > 0),
      pool: pool.map((target) => asPoolTarget(target, at(readings, next++), bank.directions)),
    }));
    const features = await compareAll(runtime.tf, read, options.base);
    read.forEach(({ session, reading, shown, pool }, i) => {
      const merits = pool.map((target) => meritOf(reading, target.reading, options.base));
      judged.push({ session, reading, shown, features: at(features, i), merits });
    });
  }
  runtime.tf.dispose(live);
  return judged;
}

function simulateJudging({ random, part, signal, poolSize, pictures }: JudgeOptions, bank: PhraseBank) {
  const session = simulateSession(random, signal(random), part);
  const picture = pictureOf(random, session.drawn, part);
  const own: Seen = { pictures: session.sketched ? [picture] : [], phrases: phrasesIn(bank, session.words) };
  const pool = Array.from({ length: poolSize }, (_, i): Seen => {
    const target = i === 0 ? session.target : simulateTarget(random, part);
    if (pictures !== undefined && random.chance(pictures.share)) {
      return { pictures: [random.pick(pictures.gallery.get(target.object) ?? [])], phrases: [] };
    }
    return { pictures: [], phrases: phrasesIn(bank, describeTarget(random, target, part)) };
  });
  return { session, own, pool };
}
