// Defines the constants that the build inserts, for code that runs from source.
Object.assign(globalThis, {
  EDOX_OPS_VERSION: "0.0.0-test",
  EDOX_OPS_BUILT: 1_700_000_000,
  EDOX_OPS_RELEASE_KEYS: "",
  EDOX_OPS_RELEASES_URL: "https://releases.test/-/releases",
});
