/** To a thousandth: more digits of a measurement mean nothing. */
export const rounded = (value: number): number => Math.round(value * 1000) / 1000;
