export interface Quota {
  readonly account: string;
  readonly expression: string;
  readonly bytes: number;
}

export interface AccountUse {
  readonly store: string;
  readonly bytes: number;
  readonly locks: number;
}
