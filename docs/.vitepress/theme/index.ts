// The default theme without its web fonts, with a contrast that WCAG AA asks for.

import Theme from "vitepress/theme-without-fonts";
import "./style.css";

export default Theme;
