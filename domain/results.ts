import { z } from 'zod';
import { forecastEventSchema } from './impressions.ts';

/** What a model says of a session: one result a kind, each beside its chance baseline (wire contract, "Results"). */

export const resultTypes = [
  'remote_viewing.descriptors',
  'remote_viewing.objects',
  'remote_viewing.geography',
  'remote_viewing.match',
  'dowsing.answer',
  'dowsing.location',
  'precognition.forecast',
  'intuitive_analysis.patterns',
] as const;
export type ResultType = (typeof resultTypes)[number];

const probability = z.number().min(0).max(1);
const named = z.object({ name: z.string(), probability });

const common = {
  model: z.object({ name: z.string(), version: z.string(), backend: z.string() }),
  chance: z
    .object({ value: z.number(), meaning: z.string() })
    .describe('What chance or the baseline gives for the same figure.'),
  summary: z.string().describe('One plain sentence.'),
  limits: z.string().describe('What this model cannot tell, in one plain sentence.'),
};

/** The `data` of each result type. */
export const resultDataSchemas = {
  'remote_viewing.descriptors': z.object({
    ...common,
    descriptors: z.array(named.extend({ kind: z.enum(['gestalt', 'texture', 'shape', 'size', 'sense']) })),
  }),
  'remote_viewing.objects': z.object({
    ...common,
    objects: z.array(named).describe('The likeliest, best first.'),
    classes: z.array(z.string()).describe('Every kind of thing that the model knows.'),
  }),
  'remote_viewing.geography': z.object({
    ...common,
    terrain: z.array(named),
    places: z.array(
      named.extend({
        country: z.string(),
        lon: z.number(),
        lat: z.number(),
        chance: probability.optional().describe('How probable it is when nothing was recorded.'),
      }),
    ),
    density: z
      .object({
        stepDegrees: z.number().describe('The width and height of a cell.'),
        cells: z.array(
          z.object({
            lon: z.number().describe('Of its middle, in degrees.'),
            lat: z.number().describe('Of its middle, in degrees.'),
            probability,
            chance: probability.describe("Its share of the world's land."),
          }),
        ),
      })
      .optional()
      .describe('The cells of the world map that are likelier than chance, what is most above it first.'),
  }),
  'remote_viewing.match': z.object({
    ...common,
    ranking: z.array(
      z.object({
        id: z.string(),
        rank: z.int().describe('From 1; targets of the same score keep their order in the pool.'),
        score: z.number().describe('The probability that this is the true one, if one of the pool is.'),
        accuracy: probability.describe('Which share of the target the impressions describe.'),
        reliability: probability.describe('Which share of the impressions is right for the target.'),
        figureOfMerit: probability.describe('Accuracy times reliability.'),
      }),
    ),
  }),
  'dowsing.answer': z.object({
    ...common,
    yes: probability,
    no: probability,
    unclear: probability,
    interval: z.tuple([probability, probability]),
  }),
  'dowsing.location': z.object({
    ...common,
    cells: z.array(z.object({ lon: z.number(), lat: z.number(), probability })),
    best: z.object({ lon: z.number(), lat: z.number() }),
    area50Km2: z.number(),
    area90Km2: z.number(),
  }),
  'precognition.forecast': z.object({
    ...common,
    series: z.array(
      z.object({
        name: z.string(),
        times: z.array(z.string()),
        q10: z.array(z.number()),
        q50: z.array(z.number()),
        q90: z.array(z.number()),
        own: z.array(z.number()).optional().describe("The person's own forecast, where there is one."),
        divergence: z
          .number()
          .optional()
          .describe("How far the own forecast lies from q50 on average, in the series' usual error of one season."),
        seasonalNaive: z
          .array(z.number())
          .describe(
            'What every forecast has to beat: the values of one season before; of the last step without a season.',
          ),
        naiveError: z
          .number()
          .describe('By how much the seasonal-naive forecast erred in the history on average: the scale of a MASE.'),
      }),
    ),
    event: forecastEventSchema
      .extend({ probability, baseRate: probability.describe('How often the history itself held it.') })
      .optional(),
  }),
  'intuitive_analysis.patterns': z.object({
    ...common,
    clusters: z.object({
      labels: z.array(z.int()).describe('The cluster of each row, from 0.'),
      count: z.int().describe('1 says that the rows form no groups.'),
      stability: z
        .number()
        .describe('How alike clusters come out when they are sought among some of the rows: 1 the same, 0 by chance.'),
    }),
    anomalies: z.array(
      z.object({
        row: z.int(),
        score: z.number().describe('The probability that the row does not belong.'),
        because: z.array(z.object({ dimension: z.string(), contribution: z.number() })),
      }),
    ),
    importance: z.array(z.object({ dimension: z.string(), weight: z.number() })),
    similar: z.array(z.array(z.int())).describe('For each row the rows most like it, at most five, nearest first.'),
    map: z.array(z.tuple([z.number(), z.number()])).describe('Where each row lies along the two main directions.'),
  }),
} as const satisfies Record<ResultType, z.ZodObject>;

/** A result as a model reports it, before it is stored: its kind, how sure it is (0 to 1), and its data. */
export type ModelResult = {
  [T in ResultType]: { resultType: T; confidenceScore: number; data: z.infer<(typeof resultDataSchemas)[T]> };
}[ResultType];

/** A result as it was stored somewhere and comes back. */
export const modelResultSchema: z.ZodType<ModelResult> = z.discriminatedUnion('resultType', [
  resultOf('remote_viewing.descriptors'),
  resultOf('remote_viewing.objects'),
  resultOf('remote_viewing.geography'),
  resultOf('remote_viewing.match'),
  resultOf('dowsing.answer'),
  resultOf('dowsing.location'),
  resultOf('precognition.forecast'),
  resultOf('intuitive_analysis.patterns'),
]);

function resultOf<T extends ResultType>(resultType: T) {
  return z.object({
    resultType: z.literal(resultType),
    confidenceScore: probability,
    data: resultDataSchemas[resultType],
  });
}
