import type { z } from 'zod';
import type { ForecastEvent } from './impressions.ts';
import type { KnownOutcome, OutcomeOf } from './outcomes.ts';
import { degree, distanceKm, type Place } from './places.ts';
import { resultDataSchemas, type ResultType } from './results.ts';
import { adjustedRandIndex, areaUnderCurve, meanOf } from './statistics.ts';

/**
 * How a session is scored once it is known what was true. Every score stands beside what chance or the baseline gives
 * for the same session; none of them says that anything but chance was at work.
 */

export const scoreNames = [
  'brier',
  'log_score',
  'rank',
  'distance_km',
  'mase',
  'own_mase',
  'pinball',
  'interval_cover',
  'adjusted_rand',
  'anomaly_auroc',
] as const;
export type ScoreName = (typeof scoreNames)[number];

export const betterDirections = ['higher', 'lower', 'nearer'] as const;

/** Which way each score is better; of a cover, nearer to what was claimed. */
export const betterScores: Record<ScoreName, (typeof betterDirections)[number]> = {
  brier: 'lower',
  log_score: 'lower',
  rank: 'lower',
  distance_km: 'lower',
  mase: 'lower',
  own_mase: 'lower',
  pinball: 'lower',
  interval_cover: 'nearer',
  adjusted_rand: 'higher',
  anomaly_auroc: 'higher',
};

export interface Score {
  readonly name: ScoreName;
  /** Of what: a result type, or the name of a series. */
  readonly of: string;
  readonly value: number;
  readonly chance: number;
  readonly chanceIs: string;
}

/** The one yes-or-no question that a session counts for in the track record: a hit or a miss. */
export interface Trial {
  readonly hit: boolean;
  /** How likely a hit was by chance alone. */
  readonly chance: number;
}

/** A probability that was claimed, with what came of it. */
export interface Claim {
  readonly claimed: number;
  /** What chance would have claimed. */
  readonly chance: number;
  readonly cameTrue: boolean;
}

/** What a session's outcome comes to. */
export interface Scorecard {
  readonly scores: readonly Score[];
  /** Null where nothing was said that could be hit or missed. */
  readonly trial: Trial | null;
  readonly claim: Claim | null;
}

/** A result as it was stored; its data is read again, since an older model may have written it. */
export interface StoredResult {
  readonly resultType: ResultType;
  readonly confidenceScore: number;
  readonly data: unknown;
}

const nothing: Scorecard = { scores: [], trial: null, claim: null };

/** The scores of a session by what turned out to be true; a result that is not there, or not in today's form, gives none. */
export function scoreSession({ sessionType, outcome }: KnownOutcome, results: readonly StoredResult[]): Scorecard {
  switch (sessionType) {
    case 'remote_viewing':
      return scoreViewing(outcome, results);
    case 'dowsing':
      return 'answer' in outcome ? scoreAnswer(outcome.answer, results) : scoreLocation(outcome.location, results);
    case 'precognition':
      return scoreForecast(outcome, results);
    case 'intuitive_analysis':
      return scorePatterns(outcome, results);
  }
}

/** The names that results speak of, by which an outcome can say what was there. */
export function namesIn(results: readonly StoredResult[]): { objects: string[]; terrains: string[] } {
  const objects = resultOf(results, 'remote_viewing.objects', resultDataSchemas['remote_viewing.objects']);
  const places = resultOf(results, 'remote_viewing.geography', resultDataSchemas['remote_viewing.geography']);
  return {
    objects: objects?.data.classes ?? [],
    terrains: places?.data.terrain.map(({ name }) => name) ?? [],
  };
}

/** The result of a type, in today's form; what cannot be read in it is not scored. */
function resultOf<T extends ResultType, S extends z.ZodType>(
  results: readonly StoredResult[],
  resultType: T,
  schema: S,
): { resultType: T; confidenceScore: number; data: z.output<S> } | undefined {
  const stored = results.find((result) => result.resultType === resultType);
  const data = schema.safeParse(stored?.data);
  return stored && data.success ? { resultType, confidenceScore: stored.confidenceScore, data: data.data } : undefined;
}

/** A claim scored by Brier (1950) and by the logarithmic score (Good 1952, natural logarithm), each beside chance's. */
function scoresOfClaim(of: string, { claimed, chance, cameTrue }: Claim, chanceIs: string): Score[] {
  const brier = (probability: number) => (probability - (cameTrue ? 1 : 0)) ** 2;
  const log = (probability: number) => -Math.log(Math.max(1e-6, cameTrue ? probability : 1 - probability));
  return [
    { name: 'brier', of, value: brier(claimed), chance: brier(chance), chanceIs },
    { name: 'log_score', of, value: log(claimed), chance: log(chance), chanceIs },
  ];
}

function scoredClaim(of: string, claim: Claim, chanceIs: string): Scorecard {
  return {
    scores: scoresOfClaim(of, claim, chanceIs),
    trial: { hit: claim.cameTrue, chance: claim.chance },
    claim,
  };
}

/**
 * Of a viewing the target's rank counts; where none was named, whether the first object was there, or the first kind of
 * surroundings. Whichever it is, it is one trial a session.
 */
function scoreViewing(outcome: OutcomeOf<'remote_viewing'>, results: readonly StoredResult[]): Scorecard {
  const cards = [scoreMatch(outcome, results), scoreObjects(outcome, results), scoreTerrain(outcome, results)];
  const [first] = cards.filter(({ trial }) => trial !== null);
  return { ...(first ?? nothing), scores: cards.flatMap(({ scores }) => scores) };
}

function scoreMatch({ targetId }: OutcomeOf<'remote_viewing'>, results: readonly StoredResult[]): Scorecard {
  const match = resultOf(results, 'remote_viewing.match', resultDataSchemas['remote_viewing.match']);
  const right = match?.data.ranking.find(({ id }) => id === targetId);
  if (match === undefined || right === undefined) return nothing;
  const { ranking } = match.data;
  const before = ranking.filter(({ score }) => score > right.score).length;
  const level = ranking.filter(({ score }) => score === right.score).length;
  // Those that score alike share their mean rank, so that the order of a pool cannot win anything.
  const rank = before + (level + 1) / 2;
  const claim = { claimed: match.confidenceScore, chance: 1 / ranking.length, cameTrue: rank === 1 };
  const card = scoredClaim(match.resultType, claim, `one of ${ranking.length} targets`);
  const chance = (ranking.length + 1) / 2;
  const chanceIs = `the mean rank of ${ranking.length} targets`;
  return { ...card, scores: [{ name: 'rank', of: match.resultType, value: rank, chance, chanceIs }, ...card.scores] };
}

function scoreObjects({ objects = [] }: OutcomeOf<'remote_viewing'>, results: readonly StoredResult[]): Scorecard {
  const said = resultOf(results, 'remote_viewing.objects', resultDataSchemas['remote_viewing.objects']);
  const best = said?.data.objects[0];
  if (said === undefined || best === undefined || objects.length === 0) return nothing;
  const { classes } = said.data;
  const chance = new Set(objects).size / classes.length;
  const claim = { claimed: best.probability, chance, cameTrue: objects.includes(best.name) };
  return scoredClaim(said.resultType, claim, `any of ${classes.length} kinds of things`);
}

function scoreTerrain({ terrain }: OutcomeOf<'remote_viewing'>, results: readonly StoredResult[]): Scorecard {
  const said = resultOf(results, 'remote_viewing.geography', resultDataSchemas['remote_viewing.geography']);
  const best = said?.data.terrain[0];
  if (said === undefined || best === undefined || terrain === undefined) return nothing;
  const kinds = said.data.terrain.length;
  const claim = { claimed: best.probability, chance: 1 / kinds, cameTrue: best.name === terrain };
  return scoredClaim(said.resultType, claim, `any of ${kinds} kinds of surroundings`);
}

/** "Unclear" is split evenly over yes and no; a reading that is mostly unclear says nothing that could be hit. */
function scoreAnswer(answer: 'yes' | 'no', results: readonly StoredResult[]): Scorecard {
  const said = resultOf(results, 'dowsing.answer', resultDataSchemas['dowsing.answer']);
  if (said === undefined) return nothing;
  const { yes, no, unclear } = said.data;
  const reading = yes >= no ? 'yes' : 'no';
  const claim = { claimed: Math.max(yes, no) + unclear / 2, chance: 0.5, cameTrue: reading === answer };
  const card = scoredClaim(said.resultType, claim, 'a coin toss between yes and no');
  return unclear >= Math.max(yes, no) ? { ...card, trial: null } : card;
}

/** The share of a region whose densest cells count as a hit, and whose probability is a location's confidence. */
export const bestShare = 0.1;

/** What lies outside the region that was searched is a miss. */
function scoreLocation(truth: Place, results: readonly StoredResult[]): Scorecard {
  const said = resultOf(results, 'dowsing.location', resultDataSchemas['dowsing.location']);
  if (said === undefined) return nothing;
  const { cells, best } = said.data;
  const areas = cells.map(({ lat }) => Math.cos(lat * degree));
  const whole = areas.reduce((sum, area) => sum + area, 0);
  // Cells come best first; one counts as within the best tenth if more than half of it lies there.
  let held = 0;
  const hits = cells.filter((_cell, i) => {
    const share = (areas[i] ?? 0) / whole;
    held += share;
    return held - share / 2 < bestShare;
  });
  const chance = hits.reduce((sum, { lat }) => sum + Math.cos(lat * degree) / whole, 0);
  const cell = cellAt(cells, truth);
  const claim = {
    claimed: said.confidenceScore,
    chance,
    cameTrue: cell !== undefined && hits.some((hit) => hit === cell),
  };
  const card = scoredClaim(said.resultType, claim, 'any tenth of the region');
  const distance: Score = {
    name: 'distance_km',
    of: said.resultType,
    value: distanceKm(best, truth),
    chance: distanceKm(centreOf(cells), truth),
    chanceIs: "from the region's centre",
  };
  return { ...card, scores: [distance, ...card.scores] };
}

/** How far east `lon` lies of `from`, 0 to 360 degrees. */
function eastOf(from: number, lon: number): number {
  return (((lon - from) % 360) + 360) % 360;
}

/** The western edge of a grid of cells, and the sizes of a cell, in degrees; over the antimeridian too. */
function layOut(cells: readonly Place[]) {
  const lats = [...new Set(cells.map(({ lat }) => lat))].toSorted((a, b) => a - b);
  const lons = [...new Set(cells.map(({ lon }) => lon))].toSorted((a, b) => a - b);
  const gaps = lons.map((lon, i) => eastOf(lons.at(i - 1) ?? lon, lon));
  // The widest gap lies outside the grid, so it begins east of that.
  const first = lons[gaps.indexOf(Math.max(...gaps))] ?? 0;
  const width = Math.min(...gaps.filter((gap) => gap > 0), 360);
  const south = lats[0] ?? 0;
  const height = ((lats.at(-1) ?? south) - south) / Math.max(1, lats.length - 1);
  return { first, width, south, height, columns: lons.length, rows: lats.length };
}

function cellAt<T extends Place>(cells: readonly T[], { lon, lat }: Place): T | undefined {
  const { width, height } = layOut(cells);
  return cells.find((cell) => {
    const east = eastOf(cell.lon, lon);
    return Math.min(east, 360 - east) <= width / 2 && Math.abs(lat - cell.lat) <= height / 2;
  });
}

function centreOf(cells: readonly Place[]): Place {
  const { first, width, south, height, columns, rows } = layOut(cells);
  return { lon: first + (width * (columns - 1)) / 2, lat: south + (height * (rows - 1)) / 2 };
}

/**
 * A forecast by the mean absolute scaled error (Hyndman and Koehler 2006), the pinball loss over its three quantiles
 * (Koenker and Bassett 1978) and the cover of its 80% interval; the baseline is the seasonal-naive forecast. Of the event
 * that was asked for, the probability counts, beside how often the history itself held it.
 */
function scoreForecast({ series }: OutcomeOf<'precognition'>, results: readonly StoredResult[]): Scorecard {
  const said = resultOf(results, 'precognition.forecast', resultDataSchemas['precognition.forecast']);
  if (said === undefined) return nothing;
  const scores = said.data.series.flatMap((forecast) => {
    const known = series.find(({ name }) => name === forecast.name)?.values ?? [];
    return scoresOfSeries(forecast, known);
  });
  const { event } = said.data;
  const happened = event === undefined ? null : eventHappened(event, series);
  if (event === undefined || happened === null) return { ...nothing, scores };
  const expected = event.probability >= 0.5;
  const asSaid = (probability: number) => (expected ? probability : 1 - probability);
  const claim = {
    claimed: asSaid(event.probability),
    chance: asSaid(event.baseRate),
    cameTrue: expected === happened,
  };
  const card = scoredClaim('event', claim, 'how often the history held it');
  return { ...card, scores: [...scores, ...card.scores] };
}

type SeriesForecast = z.infer<(typeof resultDataSchemas)['precognition.forecast']>['series'][number];

function scoresOfSeries(forecast: SeriesForecast, known: readonly (number | null)[]): Score[] {
  const { name: of, q10, q50, q90, seasonalNaive, naiveError, own } = forecast;
  const steps = known.flatMap((value, i) => (value === null ? [] : [{ value, i }]));
  if (steps.length === 0) return [];
  const errorOf = (values: readonly number[]) =>
    meanOf(steps.map(({ value, i }) => Math.abs(value - (values[i] ?? value))));
  const pinballOf = (quantiles: readonly (readonly [level: number, values: readonly number[]])[]) =>
    meanOf(
      steps.flatMap(({ value, i }) =>
        quantiles.map(([level, values]) => {
          const above = value - (values[i] ?? value);
          return Math.max(level * above, (level - 1) * above);
        }),
      ),
    );
  const levels = [0.1, 0.5, 0.9] as const;
  const chanceIs = 'the seasonal-naive forecast';
  const scaled = (name: 'mase' | 'own_mase', values: readonly number[]): Score[] =>
    naiveError > 0
      ? [{ name, of, value: errorOf(values) / naiveError, chance: errorOf(seasonalNaive) / naiveError, chanceIs }]
      : [];
  const within = steps.filter(({ value, i }) => value >= (q10[i] ?? value) && value <= (q90[i] ?? value));
  return [
    ...scaled('mase', q50),
    ...(own === undefined ? [] : scaled('own_mase', own)),
    {
      name: 'pinball',
      of,
      value: pinballOf([
        [levels[0], q10],
        [levels[1], q50],
        [levels[2], q90],
      ]),
      chance: pinballOf(levels.map((level) => [level, seasonalNaive] as const)),
      chanceIs,
    },
    { name: 'interval_cover', of, value: within.length / steps.length, chance: 0.8, chanceIs: 'what is claimed' },
  ];
}

/** Whether the event came; null where what is known does not tell. */
function eventHappened(
  { series: name, direction, value, when }: ForecastEvent,
  series: OutcomeOf<'precognition'>['series'],
): boolean | null {
  const values = series.find((one) => one.name === name)?.values ?? [];
  const counting = when === 'at_end' ? values.slice(-1) : values;
  const held = counting.map((known) => known !== null && (direction === 'above' ? known > value : known < value));
  if (held.some(Boolean)) return true;
  return counting.length === 0 || counting.includes(null) ? null : false;
}

function scorePatterns(outcome: OutcomeOf<'intuitive_analysis'>, results: readonly StoredResult[]): Scorecard {
  const said = resultOf(results, 'intuitive_analysis.patterns', resultDataSchemas['intuitive_analysis.patterns']);
  if (said === undefined) return nothing;
  const { groups, anomalies } = outcome;
  const scores: Score[] = [];
  if (groups !== undefined) {
    const known = groups.flatMap((group, row) =>
      group === null ? [] : [{ group, label: said.data.clusters.labels[row] ?? -1 }],
    );
    const [groupOf, labelOf] = [known.map(({ group }) => group), known.map(({ label }) => label)];
    // Where nothing could be told from chance, nothing was gained over it.
    const value = adjustedRandIndex(groupOf, labelOf) ?? 0;
    scores.push({ name: 'adjusted_rand', of: said.resultType, value, chance: 0, chanceIs: 'groups drawn at random' });
  }
  if (anomalies !== undefined) {
    const real = new Set(anomalies);
    const claims = said.data.anomalies.map(({ row, score }) => ({ probability: score, right: real.has(row) }));
    if (claims.some(({ right }) => right) && claims.some(({ right }) => !right)) {
      const value = areaUnderCurve(claims);
      scores.push({ name: 'anomaly_auroc', of: said.resultType, value, chance: 0.5, chanceIs: 'scores at random' });
    }
  }
  return { ...nothing, scores };
}
