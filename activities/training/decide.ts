import type { Training } from '../../db/entities.ts';
import type { TrainingDecision } from '../../domain/trainings.ts';
import type { RecipeFacts } from '../../ml/training/jobs.ts';

interface Decided {
  decision: TrainingDecision;
  /** One plain sentence. */
  reason: string;
}

/** Whether a version replaces the active one: by its figure that decides, on the same frozen test set. */
export function decide(
  { figures, activeVersion, activeFigures }: Pick<Training, 'figures' | 'activeVersion' | 'activeFigures'>,
  { figure, better }: RecipeFacts['decisive'],
): Decided {
  const candidate = valueOf(figures, figure);
  if (candidate === null) return { decision: 'kept', reason: `Its "${figure}" is no number.` };
  if (!activeVersion) return { decision: 'promoted', reason: 'No version was active.' };
  if (!activeFigures) {
    const reason = `The active version ${activeVersion} is of another architecture, and is beaten by default.`;
    return { decision: 'promoted', reason };
  }
  const active = valueOf(activeFigures, figure);
  const beats = active === null || (better === 'higher' ? candidate > active : candidate < active);
  const against = `${active?.toFixed(4) ?? 'none'} of the active version ${activeVersion}`;
  return {
    decision: beats ? 'promoted' : 'kept',
    reason: `Its "${figure}" of ${candidate.toFixed(4)} ${beats ? 'beats' : 'does not beat'} the ${against}.`,
  };
}

function valueOf(figures: Training['figures'], name: string): number | null {
  const value = figures?.find((figure) => figure.name === name)?.value;
  return value === undefined || !Number.isFinite(value) ? null : value;
}
