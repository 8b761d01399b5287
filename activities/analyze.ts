import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { v5 as uuidV5 } from 'uuid';
import type { Database } from '../db/database.ts';
import { beginAnalysis, recordStep } from '../db/sessionSteps.ts';
import type { SessionType } from '../domain/session.ts';
import { secondMs } from '../domain/time.ts';
import type { Asked, InferenceCache } from '../integrations/inferenceCache.ts';
import type { SessionContentStore } from '../integrations/sessionContent.ts';
import { combine } from '../ml/combine.ts';
import type { Engine } from '../ml/engine.ts';
import { UnanalyzableError } from '../ml/errors.ts';
import type { Analysis } from '../ml/inference.ts';
import type { Metrics } from '../observability/metrics.ts';
import { announce, type AnnounceDeps } from './announce.ts';
import { finalFailure } from './failures.ts';
import { whileHeartbeating } from './heartbeating.ts';
import { versionsFor, type ServedModels } from './routing.ts';
import type { ModelWatch } from './watching.ts';

interface AnalyzeDeps extends AnnounceDeps {
  database: Database;
  contents: SessionContentStore;
  engine: Engine;
  inferences: InferenceCache;
  models: ServedModels;
  watch: ModelWatch;
  metrics: Metrics;
}

/** What a workflow is told of an analysis. */
interface AnalyzedBy {
  /** Of each model that answered; several are parted by spaces. */
  modelVersion: string;
}

/** The second step, on the GPU queue: the models read the content, and their results are stored. */
export function createAnalyzeActivities(deps: AnalyzeDeps) {
  return {
    /** Says which versions of the models answered; none when the session is past its analysis. */
    async analyze({
      sessionId,
      sessionType,
    }: {
      sessionId: string;
      sessionType: SessionType;
    }): Promise<AnalyzedBy | undefined> {
      // Before anything is written: a session that waits has not begun.
      if (deps.models.isPaused(sessionType)) throw finalFailure('ModelPaused', `The model ${sessionType} is paused`);
      const startedAt = performance.now();
      const em = deps.database.asService();
      const begun = await beginAnalysis(em, { sessionId, attempt: activityInfo().attempt });
      if (begun === null) return undefined;
      await announce(deps, sessionId, begun.event);

      const content = await deps.contents.get(begun);
      const model = deps.models.modelFor(sessionType);
      const versions = versionsFor(model, { sessionId, metadata: content.metadata });
      const { backend, readsWords } = deps.engine;
      const asked = { sessionId, userId: begun.userId, content, backend, readsWords };
      const said = await whileHeartbeating(() =>
        Promise.all(
          versions.map(async (version) => ({ version, analysis: await inference(deps, { ...asked, version }) })),
        ),
      );
      const results = combine(said.map(({ analysis }) => analysis.results));
      const completed = await recordStep(em, {
        sessionId,
        from: ['analyzing'],
        status: 'notifying',
        step: 'analyze',
        type: 'analysis_completed',
        progress: 0.7,
        // The id follows from the session and the kind of result, so a second run stores the same row.
        results: results.map((result) => ({ ...result, id: uuidV5(result.resultType, sessionId) })),
      });
      if (completed === null) {
        // It may have been erased meanwhile, and then nothing of it may stay.
        await deps.inferences.forget(sessionId);
        return undefined;
      }
      deps.metrics.analysisDurationSeconds.observe({ session_type: sessionType }, secondsSince(startedAt));
      await announce(deps, sessionId, completed);
      for (const { version, analysis } of said) deps.watch.analyzed({ content, model, version, analysis });
      return { modelVersion: versions.join(' ') };
    },
  };
}

async function inference({ engine, inferences }: AnalyzeDeps, asked: Asked): Promise<Analysis> {
  const { content, version } = asked;
  try {
    return await inferences.remember(asked, () => engine.analyze(content, { version, signal: cancellationSignal() }));
  } catch (error) {
    if (error instanceof UnanalyzableError) throw finalFailure('Unanalyzable', 'No model can read these impressions');
    throw error;
  }
}

function secondsSince(startedAt: number): number {
  return (performance.now() - startedAt) / secondMs;
}
