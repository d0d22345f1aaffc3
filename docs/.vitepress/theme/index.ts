// The default theme without its web fonts, with a contrast that WCAG AA asks for.

import type { Theme as SiteTheme } from "vitepress";
import Theme from "vitepress/theme-without-fonts";
import "./style.css";

/** The reference and the measurements have many of the words in a heading, and a guide comes first. */
const boostDocument = (id: string): number => (/\/(?:commands|bench)/.test(id) ? 0.75 : 1);

export default {
  extends: Theme,
  // The browser would evaluate a function of the configuration from its text, which the policy of a published site refuses.
  enhanceApp({ siteData }) {
    const { themeConfig } = siteData.value;
    const options = { ...themeConfig.search.options, miniSearch: { searchOptions: { boostDocument } } };
    const search = { ...themeConfig.search, options };
    siteData.value = { ...siteData.value, themeConfig: { ...themeConfig, search } };
  },
} satisfies SiteTheme;
