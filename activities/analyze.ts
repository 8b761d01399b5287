import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { v5 as uuidV5 } from 'uuid';
import type { Database } from '../db/database.ts';
import { beginAnalysis, recordStep } from '../db/sessionSteps.ts';
import type { SessionContent } from '../domain/impressions.ts';
import type { SessionType } from '../domain/session.ts';
import { secondMs } from '../domain/time.ts';
import type { SessionContentStore } from '../integrations/sessionContent.ts';
import type { Engine } from '../ml/engine.ts';
import { UnanalyzableError } from '../ml/errors.ts';
import type { Analysis } from '../ml/inference.ts';
import type { Metrics } from '../observability/metrics.ts';
import { announce, type AnnounceDeps } from './announce.ts';
import { finalFailure } from './failures.ts';
import { whileHeartbeating } from './heartbeating.ts';
import { versionFor, type ServedModels } from './routing.ts';
import type { ModelWatch } from './watching.ts';

export interface AnalyzeDeps extends AnnounceDeps {
  database: Database;
  contents: SessionContentStore;
  engine: Engine;
  models: ServedModels;
  watch: ModelWatch;
  metrics: Metrics;
}

/** The second step, on the GPU queue: the models read the content, and their results are stored. */
export function createAnalyzeActivities(deps: AnalyzeDeps) {
  return {
    async analyze({ sessionId, sessionType }: { sessionId: string; sessionType: SessionType }): Promise<void> {
      const startedAt = performance.now();
      const em = deps.database.asService();
      const begun = await beginAnalysis(em, { sessionId, attempt: activityInfo().attempt });
      if (begun === null) return;
      await announce(deps, sessionId, begun.event);

      const content = await deps.contents.get(begun.contentKey);
      const model = deps.models.modelFor(sessionType);
      const version = versionFor(model, { sessionId, metadata: content.metadata });
      const analysis = await whileHeartbeating(() => inference(deps, content, version));
      const completed = await recordStep(em, {
        sessionId,
        from: ['analyzing'],
        status: 'notifying',
        step: 'analyze',
        type: 'analysis_completed',
        progress: 0.7,
        // The id follows from the session and the kind of result, so a second run stores the same row.
        results: analysis.results.map((result) => ({ ...result, id: uuidV5(result.resultType, sessionId) })),
      });
      if (completed === null) return;
      deps.metrics.analysisDurationSeconds.observe({ session_type: sessionType }, secondsSince(startedAt));
      await announce(deps, sessionId, completed);
      deps.watch.analyzed({ content, model, version, analysis });
    },
  };
}

async function inference({ engine }: AnalyzeDeps, content: SessionContent, version: string): Promise<Analysis> {
  try {
    return await engine.analyze(content, { version, signal: cancellationSignal() });
  } catch (error) {
    if (error instanceof UnanalyzableError) throw finalFailure('Unanalyzable', 'No model can read these impressions');
    throw error;
  }
}

function secondsSince(startedAt: number): number {
  return (performance.now() - startedAt) / secondMs;
}
