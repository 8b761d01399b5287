import { z } from 'zod';
import { type SessionContent, targetsSchema } from './content.ts';
import type { SessionType } from './session.ts';
import { storable } from './text.ts';

/**
 * What turned out to be true of a session's target, recorded after its analysis. It scores the session, and with consent
 * it becomes training data.
 */

const filled = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .refine(...storable);
const finite = z.number();

export const outcomeSchemas = {
  remote_viewing: z
    .strictObject({
      targetId: filled.optional().describe('Which target of the pool was the true one.'),
      words: z.array(filled).min(1).max(1_000).optional().describe('How a neutral person describes the target.'),
      objects: z
        .array(filled)
        .min(1)
        .max(50)
        .optional()
        .describe('What is to be seen there, by the names of the model.'),
      terrain: filled.optional().describe('The terrain or settlement, by the names of the model.'),
    })
    .refine((outcome) => Object.keys(outcome).length > 0, 'needs at least one of targetId, words, objects and terrain'),
  dowsing: z.union([
    z.strictObject({ answer: z.enum(['yes', 'no']) }),
    z.strictObject({
      location: z.strictObject({
        lon: z.number().min(-180).max(180).describe('Degrees.'),
        lat: z.number().min(-90).max(90).describe('Degrees.'),
      }),
    }),
  ]),
  precognition: z.strictObject({
    series: z
      .array(z.strictObject({ name: filled, values: z.array(finite.nullable()).min(1).max(1_000) }))
      .min(1)
      .max(50)
      .describe('What came: one value a step of the horizon, null where it is not known.'),
  }),
  intuitive_analysis: z
    .strictObject({
      groups: z.array(filled.nullable()).optional().describe('To which group each row really belongs; null: unknown.'),
      anomalies: z.array(z.int().min(0)).optional().describe('The rows that really stand out, from 0.'),
    })
    .refine((outcome) => Object.keys(outcome).length > 0, 'needs at least one of groups and anomalies'),
} as const;

export type OutcomeOf<T extends keyof typeof outcomeSchemas> = z.infer<(typeof outcomeSchemas)[T]>;

/** What does not fit in an outcome, by its path inside it. */
interface OutcomeProblem {
  readonly path: string;
  readonly message: string;
}

type ContentOf<T extends SessionType> = Extract<SessionContent, { sessionType: T }>;

/** A session's content with what turned out to be true of it. */
export type KnownOutcome = {
  [T in SessionType]: { readonly sessionType: T; readonly content: ContentOf<T>; readonly outcome: OutcomeOf<T> };
}[SessionType];

/** What a session's results name; empty where they name nothing of the kind. */
interface ResultNames {
  readonly objects: readonly string[];
  readonly terrains: readonly string[];
}

/** Holds an outcome against its session: a target of its pool, the names of its model, its series, its rows. */
export function problemsOf({ sessionType, content, outcome }: KnownOutcome, names: ResultNames): OutcomeProblem[] {
  switch (sessionType) {
    case 'remote_viewing':
      return problemsOfViewing(content, outcome, names);
    case 'dowsing':
      return problemsOfDowsing(content, outcome);
    case 'precognition':
      return problemsOfForecast(content, outcome);
    case 'intuitive_analysis':
      return problemsOfPatterns(content, outcome);
  }
}

function problemsOfViewing(
  { metadata }: ContentOf<'remote_viewing'>,
  { targetId, objects = [], terrain }: OutcomeOf<'remote_viewing'>,
  names: ResultNames,
): OutcomeProblem[] {
  const pool = targetsSchema.safeParse(metadata?.targets).data ?? [];
  const unknown = (path: string, name: string, known: readonly string[]) =>
    known.length > 0 && !known.includes(name) ? [{ path, message: 'is no name of the model' }] : [];
  return [
    ...(targetId === undefined || pool.some(({ id }) => id === targetId)
      ? []
      : [{ path: 'targetId', message: "is not in the session's pool of targets" }]),
    ...objects.flatMap((name, i) => unknown(`objects.${i}`, name, names.objects)),
    ...(terrain === undefined ? [] : unknown('terrain', terrain, names.terrains)),
  ];
}

function problemsOfDowsing({ impressions }: ContentOf<'dowsing'>, outcome: OutcomeOf<'dowsing'>): OutcomeProblem[] {
  const asked = impressions !== undefined && 'trace' in impressions ? 'answer' : 'location';
  return asked in outcome ? [] : [{ path: asked, message: 'is what the session asked for' }];
}

function problemsOfForecast(
  { impressions }: ContentOf<'precognition'>,
  { series }: OutcomeOf<'precognition'>,
): OutcomeProblem[] {
  const known = impressions?.series.map(({ name }) => name) ?? [];
  const seen = new Set<string>();
  return series.flatMap(({ name, values }, i) => {
    const problems: OutcomeProblem[] = [];
    if (!known.includes(name)) problems.push({ path: `series.${i}.name`, message: 'names no series of the session' });
    if (seen.has(name)) problems.push({ path: `series.${i}.name`, message: 'is named twice' });
    if (values.length !== impressions?.horizon) {
      problems.push({ path: `series.${i}.values`, message: 'must be as many as the horizon' });
    }
    seen.add(name);
    return problems;
  });
}

function problemsOfPatterns(
  { impressions }: ContentOf<'intuitive_analysis'>,
  { groups, anomalies = [] }: OutcomeOf<'intuitive_analysis'>,
): OutcomeProblem[] {
  const rows = impressions?.rows.length ?? 0;
  return [
    ...(groups === undefined || groups.length === rows ? [] : [{ path: 'groups', message: 'must be as many as rows' }]),
    ...anomalies.flatMap((row, i) =>
      row < rows ? [] : [{ path: `anomalies.${i}`, message: 'is no row of the table' }],
    ),
  ];
}
