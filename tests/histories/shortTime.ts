/**
 * What the workflows take for time while their histories are made: a recording limit of thirty days is over in minutes.
 * How long a timer runs is no part of what a replay compares.
 */
export const secondMs = 1_000;
export const minuteMs = 2 * secondMs;
export const hourMs = 60 * secondMs;
export const dayMs = 5 * secondMs;
