/** Thrown when no model can read the impressions: final, since the same impressions will fail again. */
export class UnanalyzableError extends Error {
  override readonly name = 'UnanalyzableError';
}

/** Thrown when an artefact's bytes are not what they say they are; whoever holds it must not use it. */
export class ArtefactCorruptError extends Error {
  override readonly name = 'ArtefactCorruptError';
}

/** Thrown when a version of a model that a session asks for is neither served nor found. */
export class ModelMissingError extends Error {
  override readonly name = 'ModelMissingError';
}

/** Thrown when a model broke on a session that it should have been able to read: a fault of ours, told in the cause. */
export class ModelFailedError extends Error {
  override readonly name = 'ModelFailedError';
}

/** Thrown when the thread that worked on a request died: trying again helps, since another has taken its place. */
export class InferenceInterruptedError extends Error {
  override readonly name = 'InferenceInterruptedError';
}
