import { restartPoints, sessionSteps, type RestartPoint, type SessionStep } from '../../domain/session.ts';
import { switchModel } from '../../operations/queues.ts';
import { restartSession } from '../../operations/restart.ts';
import { stripeAnswers } from '../stripeListener.ts';
import { untilAtLast, type Begun, type Surroundings } from './surroundings.ts';

/** Makes a workflow go one of its ways, and says which workflow it was. */
export type Path = (around: Surroundings) => Promise<string>;

interface Trouble {
  /** Begins a session whose step fails until it is mended. */
  failing: (around: Surroundings) => Promise<Begun>;
  /** Begins a session whose step gives up. */
  givingUp: (around: Surroundings) => Promise<Begun>;
  mend: (around: Surroundings, begun: Begun) => unknown;
}

const withoutContent = (around: Surroundings) => around.begin({ hasContent: false });

async function analyzedWithoutContent(around: Surroundings): Promise<Begun> {
  const begun = await around.begin({ analyzeAtOnce: false });
  await around.untilIdle(begun.workflowId);
  await begun.takeContent();
  await around.platform.workflows.startAnalysis(begun.input.sessionId);
  return begun;
}

/** What makes each step fail, and what mends it. */
const troubles: Record<SessionStep, Trouble> = {
  create: {
    failing: withoutContent,
    givingUp: withoutContent,
    mend: (_around, begun) => begun.putContent(),
  },
  analyze: {
    failing: analyzedWithoutContent,
    givingUp: analyzedWithoutContent,
    mend: (_around, begun) => begun.putContent(),
  },
  notify: {
    failing: (around) => around.begin({ mail: 503 }),
    givingUp: (around) => around.begin({ mail: 400 }),
    mend: ({ mailTo }, { email }) => mailTo.delete(email),
  },
  bill: {
    failing: (around) => around.begin({ stripe: 'hang up' }),
    givingUp: (around) => around.begin({ stripe: stripeAnswers.declined }),
    mend: ({ stripeOf }, { input }) => stripeOf.delete(input.sessionId),
  },
};

const cancel = ({ client }: Surroundings, { workflowId }: Begun) => client.workflow.getHandle(workflowId).cancel();

function pathsOfStep(step: SessionStep): [string, Path][] {
  const { failing, givingUp, mend } = troubles[step];
  const failed = async (around: Surroundings) => {
    const begun = await failing(around);
    await around.untilAttempt(begun.workflowId, 2);
    return begun;
  };
  const parked = async (around: Surroundings) => {
    const begun = await givingUp(around);
    await around.untilParked(begun.workflowId);
    return begun;
  };
  return [
    [
      `${step}-retried`,
      async (around) => {
        const begun = await failed(around);
        await mend(around, begun);
        return begun.workflowId;
      },
    ],
    [
      `${step}-parked-and-retried`,
      async (around) => {
        const begun = await parked(around);
        await mend(around, begun);
        await around.platform.workflows.retrySession(begun.input.sessionId);
        return begun.workflowId;
      },
    ],
    [
      `${step}-cancelled`,
      async (around) => {
        const begun = await failed(around);
        await cancel(around, begun);
        await mend(around, begun);
        return begun.workflowId;
      },
    ],
    [
      `${step}-parked-and-cancelled`,
      async (around) => {
        const begun = await parked(around);
        await cancel(around, begun);
        return begun.workflowId;
      },
    ],
  ];
}

async function restarted(around: Surroundings, { input }: Begun, from?: RestartPoint): Promise<void> {
  const { resources, workflows } = around.platform;
  await restartSession(
    { database: resources.database, workflows },
    { sessionId: input.sessionId, ...(from && { from }) },
  );
}

/** A session that is stuck at its bill, restarted at another point. */
function restartedAt(from: RestartPoint): Path {
  return async (around) => {
    const begun = await troubles.bill.givingUp(around);
    await around.untilParked(begun.workflowId);
    await troubles.bill.mend(around, begun);
    await restarted(around, begun, from);
    return begun.workflowId;
  };
}

/** Every way that a session can go. */
export const sessionPaths: Record<string, Path> = {
  completed: async (around) => (await around.begin()).workflowId,
  'recorded-and-completed': async (around) => {
    const { input, workflowId } = await around.begin({ analyzeAtOnce: false });
    await around.untilIdle(workflowId);
    await around.platform.workflows.startAnalysis(input.sessionId);
    return workflowId;
  },
  'recording-cancelled': async (around) => {
    const begun = await around.begin({ analyzeAtOnce: false });
    await around.untilIdle(begun.workflowId);
    await cancel(around, begun);
    return begun.workflowId;
  },
  expired: async (around) => (await around.begin({ analyzeAtOnce: false })).workflowId,
  unanalyzable: async (around) => (await around.begin({ hasImpressions: false, analyzeAtOnce: true })).workflowId,
  'model-paused': async (around) => {
    const { database, cache } = around.platform.resources;
    const order = { by: { command: 'histories' }, reason: 'to be written down' };
    const setPaused = async (paused: boolean) => {
      await switchModel({ database, cache }, 'precognition', { ...order, paused });
      await untilAtLast(() => around.platform.models.isPaused('precognition') === paused);
    };
    await setPaused(true);
    const { input, workflowId } = await around.begin({ sessionType: 'precognition' });
    await around.untilIdle(workflowId);
    await setPaused(false);
    await around.platform.workflows.retrySession(input.sessionId);
    return workflowId;
  },
  ...Object.fromEntries(sessionSteps.flatMap(pathsOfStep)),
  'recording-restarted': async (around) => {
    const begun = await around.begin({ analyzeAtOnce: false });
    await around.untilIdle(begun.workflowId);
    await restarted(around, begun);
    await around.platform.workflows.startAnalysis(begun.input.sessionId);
    return begun.workflowId;
  },
  ...Object.fromEntries(restartPoints.map((from) => [`restarted-at-${from}`, restartedAt(from)])),
};
