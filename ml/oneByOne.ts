import type { Predict } from './model.ts';
import type { NamedTensors } from './tensors.ts';

/** Answers sessions one after the other, for a network whose sessions do not fit on top of each other. */
export function oneByOne(predict: (inputs: NamedTensors) => Promise<NamedTensors>): Predict {
  return async (sessions) => {
    const answers: NamedTensors[] = [];
    for (const session of sessions) answers.push(await predict(session));
    return answers;
  };
}
