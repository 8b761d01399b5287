import { modelResultSchema, type ModelResult, type ResultType } from '../../../domain/results.ts';
import type { SessionType } from '../../../domain/session.ts';
import type { Picture, SessionRecord } from './archive.ts';

/** A session as a page that a person reads or prints; it needs nothing from elsewhere. */

/** How many rows of a long list are shown; the files beside the report have all of them. */
const shownRows = 8;

/** A session to read or print: one HTML page that loads nothing, with every text escaped. */
export function reportPage({ session, results, outcome }: SessionRecord, pictures: readonly Picture[]): string {
  const title = typeTitles[session.sessionType];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(title)} session ${text(session.cue.slice(0, 80))}</title>
<style>${style}</style>
</head>
<body>
<header>
<p class="kind">${text(title)} session</p>
<h1>${text(session.cue)}</h1>
<p class="facts">Recorded ${moment(session.createdAt)} · ${text(session.status)}${session.completedAt ? ` ${moment(session.completedAt)}` : ''}<br>${text(session.id)}</p>
</header>
<section>
<h2>What was recorded</h2>
${recorded(session.impressions)}
${pictures.map(({ name, svg }) => `<figure>${svg}<figcaption>${text(name.replace('-', ' '))}</figcaption></figure>`).join('\n')}
</section>
<section>
<h2>What the model said</h2>
${results.length === 0 ? '<p>Nothing: the session has no results.</p>' : results.map(resultPart).join('\n')}
</section>
${outcome === null ? '' : outcomePart(outcome)}
<footer>
<p>Every figure stands beside what chance or the baseline gives for it. One session shows nothing either way, and nothing here is evidence of a psychic ability: a model weighs what was recorded by what it learned, for the most part from simulated sessions. What each model learned from, and what it cannot do, stands on its card.</p>
</footer>
</body>
</html>
`;
}

const typeTitles: Record<SessionType, string> = {
  remote_viewing: 'Remote viewing',
  dowsing: 'Dowsing',
  precognition: 'Precognition',
  intuitive_analysis: 'Intuitive analysis',
};

const resultTitles: Record<ResultType, string> = {
  'remote_viewing.descriptors': 'Qualities',
  'remote_viewing.objects': 'Things',
  'remote_viewing.geography': 'Surroundings and places',
  'remote_viewing.match': 'Targets of the pool',
  'dowsing.answer': 'Answer',
  'dowsing.location': 'Place',
  'precognition.forecast': 'Forecast',
  'intuitive_analysis.patterns': 'Patterns',
};

function recorded(impressions: SessionRecord['session']['impressions']): string {
  if (impressions === undefined) return '<p>Nothing yet.</p>';
  const parts: (string | false | undefined)[] = [
    'question' in impressions && `<p class="quote">${text(impressions.question)}</p>`,
    'words' in impressions &&
      impressions.words &&
      `<p class="words">${impressions.words.map((word) => `<span>${text(word)}</span>`).join(' ')}</p>`,
    'transcript' in impressions && impressions.transcript && `<p class="quote">${text(impressions.transcript)}</p>`,
    'image' in impressions && impressions.image && '<p>A picture; it is in session.json.</p>',
    'points' in impressions && `<p>${impressions.points.length} points on a map.</p>`,
    'sweeps' in impressions && `<p>${impressions.sweeps.length} sweeps over a region.</p>`,
    'series' in impressions &&
      table(
        ['series', 'values', 'from', 'to'],
        impressions.series.map(({ name, times }) => [name, String(times.length), times[0] ?? '', times.at(-1) ?? '']),
      ),
    'rows' in impressions &&
      `<p>A table of ${impressions.rows.length} rows and ${impressions.dimensions.length} dimensions: ${text(impressions.dimensions.join(', '))}.</p>`,
  ];
  return parts.filter(Boolean).join('\n');
}

function resultPart(stored: SessionRecord['results'][number]): string {
  const { resultType, confidenceScore, data } = stored;
  const { model, chance, summary, limits } = data;
  // A model of before may have written another form; what every result has is shown of it all the same.
  const known = modelResultSchema.safeParse(stored);
  return `<article>
<h3>${text(resultTitles[resultType])}</h3>
<p class="summary">${text(summary)}</p>
<dl>
<div><dt>The model’s confidence</dt><dd>${share(confidenceScore)}</dd></div>
<div><dt>By chance or baseline</dt><dd>${figure(chance.value)}</dd><dd class="meaning">${text(chance.meaning)}</dd></div>
</dl>
${known.success ? rowsOf(known.data) : ''}
<p class="limits">${text(limits)} <span>Model ${text(model.name)} ${text(model.version)}, on ${text(model.backend)}.</span></p>
</article>`;
}

function rowsOf(result: ModelResult): string {
  switch (result.resultType) {
    case 'remote_viewing.descriptors':
      return table(
        ['quality', 'kind', 'probability'],
        best(result.data.descriptors).map(({ name, kind, probability }) => [name, kind, share(probability)]),
      );
    case 'remote_viewing.objects':
      return table(
        ['thing', 'probability'],
        best(result.data.objects).map(({ name, probability }) => [name, share(probability)]),
      );
    case 'remote_viewing.geography':
      return (
        table(
          ['surroundings', 'probability'],
          best(result.data.terrain).map(({ name, probability }) => [name, share(probability)]),
        ) +
        table(
          ['place', 'probability', 'when nothing was recorded'],
          best(result.data.places).map(({ name, country, probability, chance }) => [
            `${name}, ${country}`,
            share(probability),
            chance === undefined ? '' : share(chance),
          ]),
        )
      );
    case 'remote_viewing.match':
      return table(
        ['rank', 'target', 'probability', 'figure of merit'],
        result.data.ranking
          .slice(0, shownRows)
          .map(({ rank, id, score, figureOfMerit }) => [String(rank), id, share(score), figure(figureOfMerit)]),
      );
    case 'dowsing.answer': {
      const { yes, no, unclear, interval } = result.data;
      return table(
        ['yes', 'no', 'unclear', 'interval of yes'],
        [[share(yes), share(no), share(unclear), interval.map(share).join(' to ')]],
      );
    }
    case 'dowsing.location': {
      const { best: place, area50Km2, area90Km2 } = result.data;
      return table(
        ['likeliest place', 'half lies within', 'nine tenths lie within'],
        [
          [
            `${figure(place.lat)}° lat, ${figure(place.lon)}° lon`,
            `${figure(area50Km2)} km²`,
            `${figure(area90Km2)} km²`,
          ],
        ],
      );
    }
    case 'precognition.forecast': {
      const { series, event } = result.data;
      const rows = series.map(({ name, times, q10, q50, q90, seasonalNaive }) => [
        name,
        times.at(-1) ?? '',
        figure(q50.at(-1)),
        `${figure(q10.at(-1))} to ${figure(q90.at(-1))}`,
        figure(seasonalNaive.at(-1)),
      ]);
      const asked = event && [
        [`${event.series} ${event.direction} ${figure(event.value)}`, share(event.probability), share(event.baseRate)],
      ];
      return (
        table(['series', 'last step', 'middle', 'eight in ten', 'one season before'], rows) +
        (asked ? table(['event', 'probability', 'in the history'], asked) : '')
      );
    }
    case 'intuitive_analysis.patterns': {
      const { clusters, anomalies, importance } = result.data;
      const standing = anomalies.toSorted((a, b) => b.score - a.score).slice(0, shownRows);
      return (
        table(['groups', 'stability'], [[String(clusters.count), figure(clusters.stability)]]) +
        table(
          ['row', 'does not belong'],
          standing.map(({ row, score }) => [String(row), share(score)]),
        ) +
        table(
          ['dimension', 'weight'],
          importance.slice(0, shownRows).map(({ dimension, weight }) => [dimension, figure(weight)]),
        )
      );
    }
  }
}

function outcomePart({ knownAt, scorecard }: NonNullable<SessionRecord['outcome']>): string {
  const rows = scorecard.scores.map(({ name, of, value, chance, chanceIs }) => [
    name.replaceAll('_', ' '),
    of,
    figure(value),
    figure(chance),
    chanceIs,
  ]);
  const trial =
    scorecard.trial &&
    `<p>Counted as a ${scorecard.trial.hit ? 'hit' : 'miss'}; a hit by chance alone: ${share(scorecard.trial.chance)}.</p>`;
  return `<section>
<h2>What turned out</h2>
<p>Known ${moment(knownAt)}. The outcome itself is in outcome.json.</p>
${table(['score', 'of', 'value', 'by chance', 'which is'], rows)}
${trial ?? ''}
</section>`;
}

function best<T extends { probability: number }>(rows: readonly T[]): T[] {
  return rows.toSorted((a, b) => b.probability - a.probability).slice(0, shownRows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[], tag: 'th' | 'td') =>
    `<tr>${row.map((cell) => `<${tag}>${text(cell)}</${tag}>`).join('')}</tr>`;
  return `<table><thead>${cells(head, 'th')}</thead><tbody>${rows.map((row) => cells(row, 'td')).join('')}</tbody></table>\n`;
}

function share(probability: number): string {
  return `${figure(100 * probability)} %`;
}

function figure(value: number | undefined): string {
  return value === undefined ? '' : value.toLocaleString('en', { maximumSignificantDigits: 3 });
}

function moment(iso: string): string {
  return text(`${iso.slice(0, 16).replace('T', ' ')} UTC`);
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** What people and models wrote is text, whatever it looks like. */
function text(value: string): string {
  return value.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign);
}

const style = `
:root { color-scheme: light; }
body { font: 16px/1.55 Georgia, 'Times New Roman', serif; color: #1c1c1c; max-width: 46rem; margin: 3rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem; padding-bottom: .3rem; border-bottom: 1px solid #ccc; }
h3 { font-size: 1rem; margin: 0 0 .35rem; }
.kind { text-transform: uppercase; letter-spacing: .08em; font-size: .75rem; color: #666; margin: 0 0 .4rem; }
.facts, .limits, figcaption, .meaning { color: #666; font-size: .85rem; }
.quote { white-space: pre-wrap; border-left: 3px solid #ddd; padding-left: .9rem; overflow-wrap: anywhere; }
.words span { display: inline-block; background: #f1f0ec; border-radius: .25rem; padding: .05rem .5rem; margin: 0 .15rem .35rem 0; }
figure { margin: 1rem 0; }
figure svg { max-width: 100%; max-height: 26rem; height: auto; width: auto; border: 1px solid #ddd; }
article { border: 1px solid #ddd; border-radius: .4rem; padding: 1rem 1.1rem; margin: 0 0 1rem; break-inside: avoid; }
.summary { margin: 0 0 .6rem; }
dl { display: flex; flex-wrap: wrap; gap: .6rem; margin: 0 0 .8rem; }
dl div { flex: 1 1 14rem; background: #f7f6f2; border-radius: .3rem; padding: .5rem .75rem; }
dt { font-size: .75rem; color: #666; }
dd { margin: 0; font-size: 1.1rem; }
dd.meaning { font-size: .8rem; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; margin: 0 0 .8rem; }
th { text-align: left; font-weight: normal; color: #666; border-bottom: 1px solid #ccc; }
th, td { padding: .2rem .75rem .2rem 0; overflow-wrap: anywhere; }
td { border-bottom: 1px solid #eee; font-variant-numeric: tabular-nums; }
.limits { margin: 0; }
footer { margin-top: 2.5rem; border-top: 1px solid #ccc; color: #666; font-size: .85rem; }
`;
