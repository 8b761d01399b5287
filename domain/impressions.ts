import { z } from 'zod';
import { imageSchema } from './images.ts';
import { filledText } from './text.ts';

/** The most points that one session may hold, over all its sketches or its trace. */
const maxPoints = 100_000;

function inOrder(times: readonly number[]): boolean {
  return times.every((time, i) => i === 0 || time >= (times[i - 1] ?? time));
}

const finite = z.number();
const tMs = z.number().min(0).describe('Milliseconds since the first point.');

const strokePointSchema = z.strictObject({
  x: finite,
  y: finite,
  tMs: tMs.optional(),
  pressure: z.number().min(0).max(1).optional(),
});

const strokeSchema = z.strictObject({
  points: z
    .array(strokePointSchema)
    .min(1)
    .max(maxPoints)
    .refine(
      (points) => inOrder(points.flatMap((point) => (point.tMs === undefined ? [] : [point.tMs]))),
      'times must not go backwards',
    ),
});

const sketchSchema = z
  .strictObject({
    width: z.number().positive().max(100_000).describe('Pixels.'),
    height: z.number().positive().max(100_000).describe('Pixels.'),
    strokes: z.array(strokeSchema).min(1).max(10_000),
  })
  .superRefine((sketch, context) => {
    sketch.strokes.forEach((stroke, i) => {
      const outside = stroke.points.findIndex(({ x, y }) => x < 0 || y < 0 || x > sketch.width || y > sketch.height);
      if (outside >= 0) {
        context.addIssue({ code: 'custom', path: ['strokes', i, 'points', outside], message: 'lies off the canvas' });
      }
    });
  });
export type Sketch = z.infer<typeof sketchSchema>;

const remoteViewingImpressionsSchema = z
  .strictObject({
    words: z.array(filledText(200)).min(1).max(1_000).optional(),
    transcript: filledText(100_000).optional(),
    sketches: z.array(sketchSchema).min(1).max(50).optional(),
    image: imageSchema.optional().describe('A drawing as it was scanned or photographed, or any picture.'),
  })
  .refine(
    (impressions) => Object.values(impressions).some((recorded) => recorded !== undefined),
    'needs at least one of words, transcript, sketches and image',
  )
  .refine(({ sketches = [] }) => {
    const points = sketches.flatMap((sketch) => sketch.strokes.map((stroke) => stroke.points.length));
    return points.reduce((sum, n) => sum + n, 0) <= maxPoints;
  }, `holds more than ${maxPoints} points`)
  .meta({
    id: 'RemoteViewingImpressions',
    description: 'Words, a transcript, sketches, an image, or any of them together.',
  });

const tracePointSchema = z.strictObject({ x: finite, y: finite, tMs });

function trace(minPoints: number) {
  return z
    .array(tracePointSchema)
    .min(minPoints)
    .max(maxPoints)
    .refine((points) => inOrder(points.map((point) => point.tMs)), 'times must not go backwards')
    .describe('A pendulum or rod over time: x and y in pixels, tMs in milliseconds.');
}

const dowsingAnswerSchema = z.strictObject({
  question: filledText(2_000),
  trace: z.strictObject({
    points: trace(2),
    calibration: z
      .strictObject({
        yes: trace(2).describe('Swings for a known yes.'),
        no: trace(2).describe('Swings for a known no.'),
      })
      .optional(),
  }),
});

const longitude = z.number().min(-180).max(180).describe('Degrees.');
const latitude = z.number().min(-90).max(90).describe('Degrees.');

const regionSchema = z
  .strictObject({ west: longitude, south: latitude, east: longitude, north: latitude })
  .refine(({ south, north }) => north > south, 'has no area: north must be greater than south')
  .refine(({ west, east }) => west !== east, 'has no area: east must differ from west')
  .describe('Degrees; a region whose west is greater than its east crosses the antimeridian.');
export type Region = z.infer<typeof regionSchema>;

/** Whether a place lies in a region, its edges included. */
function liesIn({ west, south, east, north }: Region, { lon, lat }: { lon: number; lat: number }): boolean {
  const inLongitude = west < east ? lon >= west && lon <= east : lon >= west || lon <= east;
  return inLongitude && lat >= south && lat <= north;
}

const dowsingPointsSchema = z
  .strictObject({
    question: filledText(2_000),
    region: regionSchema,
    points: z
      .array(z.strictObject({ lon: longitude, lat: latitude, weight: z.number().min(0).max(1_000).optional() }))
      .min(1)
      .max(maxPoints),
  })
  .superRefine(({ region, points }, context) => {
    points.forEach((point, i) => {
      if (!liesIn(region, point)) {
        context.addIssue({ code: 'custom', path: ['points', i], message: 'lies outside the region' });
      }
    });
  });

const sweepSchema = z.strictObject({
  points: z
    .array(
      z.strictObject({
        lon: longitude,
        lat: latitude,
        tMs,
        strength: z
          .number()
          .min(0)
          .max(1_000)
          .optional()
          .describe('How strongly the rod or pendulum reacted, on any scale; left out where it did not.'),
      }),
    )
    .min(2)
    .max(maxPoints)
    .refine((points) => inOrder(points.map((point) => point.tMs)), 'times must not go backwards'),
});

const dowsingSweepsSchema = z
  .strictObject({
    question: filledText(2_000),
    region: regionSchema,
    sweeps: z
      .array(sweepSchema)
      .min(1)
      .max(1_000)
      .describe('Lines walked over the region; where no strength was recorded at all, a pause counts as a reaction.'),
  })
  .refine(({ sweeps }) => sweeps.reduce((sum, { points }) => sum + points.length, 0) <= maxPoints, {
    path: ['sweeps'],
    message: `hold more than ${maxPoints} points`,
  })
  .superRefine(({ region, sweeps }, context) => {
    sweeps.forEach(({ points }, i) => {
      const outside = points.findIndex((point) => !liesIn(region, point));
      if (outside >= 0) {
        const path = ['sweeps', i, 'points', outside];
        context.addIssue({ code: 'custom', path, message: 'lies outside the region' });
      }
    });
  });

const dowsingImpressionsSchema = z.union([dowsingAnswerSchema, dowsingPointsSchema, dowsingSweepsSchema]).meta({
  id: 'DowsingImpressions',
  description: 'A question with a pendulum trace, with points on a map region, or with sweeps over it.',
});

const instant = z.iso.datetime({ offset: true }).or(z.iso.date());

const seriesSchema = z
  .strictObject({
    name: filledText(200),
    times: z.array(instant).min(2).max(20_000).describe('ISO 8601, strictly increasing.'),
    values: z.array(finite.nullable()).min(2).max(20_000).describe('One for each time; null where it is missing.'),
  })
  .refine(({ times, values }) => times.length === values.length, {
    path: ['values'],
    message: 'must be as many as times',
  })
  .refine(
    ({ times }) => {
      const stamps = times.map((time) => Date.parse(time));
      return stamps.every((stamp, i) => i === 0 || stamp > (stamps[i - 1] ?? stamp));
    },
    { path: ['times'], message: 'must strictly increase' },
  )
  .refine(({ values }) => values.filter((value) => value !== null).length >= 2, {
    path: ['values'],
    message: 'needs at least two numbers',
  });

export const forecastEventSchema = z.strictObject({
  series: filledText(200).describe('The name of one of the series.'),
  direction: z.enum(['above', 'below']),
  value: finite,
  when: z
    .enum(['at_end', 'within'])
    .describe('Whether the last step of the horizon counts alone, or any step until then.'),
});
export type ForecastEvent = z.infer<typeof forecastEventSchema>;

export const precognitionImpressionsSchema = z
  .strictObject({
    series: z.array(seriesSchema).min(1).max(50),
    horizon: z.int().min(1).max(1_000).describe('Steps ahead.'),
    forecast: z
      .array(z.strictObject({ name: filledText(200), values: z.array(finite).min(1).max(1_000) }))
      .max(50)
      .optional()
      .describe("The person's own forecast: one value a step for a named series."),
    event: forecastEventSchema.optional().describe('Something that may happen, whose probability is asked for.'),
  })
  .superRefine(({ series, horizon, forecast = [], event }, context) => {
    const names = series.map(({ name }) => name);
    if (event !== undefined && !names.includes(event.series)) {
      context.addIssue({ code: 'custom', path: ['event', 'series'], message: 'names no series' });
    }
    if (new Set(names).size !== names.length) {
      context.addIssue({ code: 'custom', path: ['series'], message: 'names must differ' });
    }
    series.forEach(({ times }, i) => {
      if (horizon > 5 * times.length) {
        context.addIssue({
          code: 'custom',
          path: ['horizon'],
          message: `is longer than five times the history of series ${i}`,
        });
      }
    });
    forecast.forEach(({ name, values }, i) => {
      if (!names.includes(name)) {
        context.addIssue({ code: 'custom', path: ['forecast', i, 'name'], message: 'names no series' });
      }
      if (values.length !== horizon) {
        context.addIssue({ code: 'custom', path: ['forecast', i, 'values'], message: 'must be as many as horizon' });
      }
    });
  })
  .meta({
    id: 'PrecognitionImpressions',
    description: 'Numeric history with its times, a horizon, optional own forecast, optional event.',
  });

const intuitiveAnalysisImpressionsSchema = z
  .strictObject({
    dimensions: z.array(filledText(200)).min(1).max(200),
    rows: z.array(z.array(finite.nullable())).min(3).max(5_000).describe('One value a dimension; null where missing.'),
    ratings: z.array(finite.nullable()).optional().describe('One a row; null where there is none.'),
  })
  .superRefine(({ dimensions, rows, ratings }, context) => {
    if (new Set(dimensions).size !== dimensions.length) {
      context.addIssue({ code: 'custom', path: ['dimensions'], message: 'names must differ' });
    }
    const ragged = rows.findIndex((row) => row.length !== dimensions.length);
    if (ragged >= 0) {
      context.addIssue({ code: 'custom', path: ['rows', ragged], message: 'must have one value a dimension' });
      return;
    }
    rows.forEach((row, i) => {
      if (row.every((value) => value === null)) {
        context.addIssue({ code: 'custom', path: ['rows', i], message: 'has no values' });
      }
    });
    if (ratings !== undefined && ratings.length !== rows.length) {
      context.addIssue({ code: 'custom', path: ['ratings'], message: 'must be as many as rows' });
    }
    dimensions.forEach((_name, i) => {
      const present = new Set(rows.map((row) => row[i]).filter((value) => value !== null));
      if (present.size < 2) {
        context.addIssue({
          code: 'custom',
          path: ['dimensions', i],
          message: 'is constant: every row has the same value, or none',
        });
      }
    });
  })
  .meta({
    id: 'IntuitiveAnalysisImpressions',
    description: 'A table of rows by named numeric dimensions, optional ratings.',
  });

export type RemoteViewingImpressions = z.infer<typeof remoteViewingImpressionsSchema>;
export type DowsingAnswerImpressions = z.infer<typeof dowsingAnswerSchema>;
type DowsingPointsImpressions = z.infer<typeof dowsingPointsSchema>;
export type DowsingSweepsImpressions = z.infer<typeof dowsingSweepsSchema>;
export type DowsingLocationImpressions = DowsingPointsImpressions | DowsingSweepsImpressions;
export type DowsingImpressions = z.infer<typeof dowsingImpressionsSchema>;
export type PrecognitionImpressions = z.infer<typeof precognitionImpressionsSchema>;
export type IntuitiveAnalysisImpressions = z.infer<typeof intuitiveAnalysisImpressionsSchema>;

/** The schema of each session type's impressions. */
export const impressionsSchemas = {
  remote_viewing: remoteViewingImpressionsSchema,
  dowsing: dowsingImpressionsSchema,
  precognition: precognitionImpressionsSchema,
  intuitive_analysis: intuitiveAnalysisImpressionsSchema,
};
