/** Defaults of CiliumBGPPeerConfig, which the agent applies too where no CiliumBGPPeerConfig is named. */
export const peerDefaults = {
  peerPort: 179,
  ebgpMultihop: 1,
  connectRetryTimeSeconds: 120,
  holdTimeSeconds: 90,
  keepAliveTimeSeconds: 30,
  restartTimeSeconds: 120,
} as const;
