import { addComparisons } from '../db/comparisons.ts';
import type { Database } from '../db/database.ts';
import { binOf } from '../domain/drift.ts';
import { pinnedVersions, type SessionContent } from '../domain/content.ts';
import type { DriftCounts } from '../integrations/driftCounts.ts';
import type { Engine } from '../ml/engine.ts';
import type { Analysis } from '../ml/inference.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { compare } from './comparison.ts';
import type { ServedModel } from './routing.ts';

/** A session that has its results, and the versions that were ready when it was analyzed. */
interface Analyzed {
  content: SessionContent;
  model: ServedModel;
  version: string;
  analysis: Analysis;
}

/** Looks at how the models fare, behind sessions that have their results already: it never delays or fails one. */
export interface ModelWatch {
  analyzed(session: Analyzed): void;
}

interface WatchDeps {
  database: Database;
  driftCounts: DriftCounts;
  engine: Pick<Engine, 'analyze'>;
  metrics: Pick<Metrics, 'modelShadowRunsTotal'>;
  logger: Logger;
}

/**
 * How many shadow runs may be under way. Sessions come first: what comes beyond is left out, since a comparison lives
 * from many sessions and not from each.
 */
const shadowRuns = 4;

/** Counts drift and runs shadows; what fails there is logged and goes no further. */
export function createModelWatch(deps: WatchDeps): ModelWatch {
  let running = 0;

  async function runShadow({ content, model, version, analysis }: Analyzed, shadowVersion: string): Promise<void> {
    const { sessionType: name } = content;
    const count = (outcome: string) => {
      deps.metrics.modelShadowRunsTotal.inc({ model: name, outcome });
    };
    if (running >= shadowRuns) {
      count('left_out');
      return;
    }
    running += 1;
    try {
      const shadow = await deps.engine.analyze(content, { version: shadowVersion });
      const comparisons = compare(analysis.results, shadow.results);
      await addComparisons(deps.database.asService(), { name, version, shadowVersion }, comparisons);
      count('compared');
    } catch (error) {
      deps.logger.warn({ model: name, version: model.shadow?.version, error }, 'a shadow run failed');
      count('failed');
    } finally {
      running -= 1;
    }
  }

  return {
    analyzed(session) {
      const { content, model, version, analysis } = session;
      const { active, canary, shadow } = model;
      // What clients ask of a version by its name says nothing of sessions at large.
      if (pinnedVersions(content.metadata).length > 0) return;
      const used = [active, canary].find((ready) => ready?.version === version);
      if (used?.profile) {
        void deps.driftCounts.add({ name: content.sessionType, version }, binsOf(analysis.observed, used.profile));
      }
      if (shadow !== null && shadow.version !== version) void runShadow(session, shadow.version);
    },
  };
}

function binsOf(
  observed: Analysis['observed'],
  profile: NonNullable<ServedModel['active']['profile']>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(profile).flatMap(([feature, { edges }]) => {
      const value = observed[feature];
      return value === undefined ? [] : [[feature, binOf(value, edges)]];
    }),
  );
}
