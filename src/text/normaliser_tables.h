// The rows behind the normaliser: currencies, units, abbreviations, signs and the words that give
// numbers a meaning. Only text/normaliser*.cc include this.
#pragma once

#include <array>
#include <string_view>

namespace tenwatt::text {

struct Currency {
  std::string_view sign;
  std::string_view one, many;    ///< "dollar", "dollars"
  std::string_view cent, cents;  ///< empty: none
};

inline constexpr std::array kCurrencies = {
    Currency{"$", "dollar", "dollars", "cent", "cents"},
    Currency{"€", "euro", "euros", "cent", "cents"},
    Currency{"£", "pound", "pounds", "penny", "pence"},
    Currency{"¥", "yen", "yen", "", ""},
    Currency{"₹", "rupee", "rupees", "paisa", "paise"},
};

struct Scale {
  std::string_view written, spoken;
};

/// After an amount of money, with or without a space.
inline constexpr std::array kScales = {
    Scale{"thousand", "thousand"}, Scale{"million", "million"}, Scale{"billion", "billion"},
    Scale{"trillion", "trillion"}, Scale{"bn", "billion"},      Scale{"k", "thousand"},
    Scale{"K", "thousand"},        Scale{"m", "million"},       Scale{"M", "million"},
    Scale{"B", "billion"},
};

struct Unit {
  std::string_view written;
  std::string_view one, many;
};

/// Longer spellings before those that they begin with.
inline constexpr std::array kUnits = {
    Unit{"km/h", "kilometer per hour", "kilometers per hour"},
    Unit{"m/s", "meter per second", "meters per second"},
    Unit{"mph", "mile per hour", "miles per hour"},
    Unit{"kWh", "kilowatt hour", "kilowatt hours"},
    Unit{"°C", "degree Celsius", "degrees Celsius"},
    Unit{"°F", "degree Fahrenheit", "degrees Fahrenheit"},
    Unit{"°", "degree", "degrees"},
    Unit{"GHz", "gigahertz", "gigahertz"},
    Unit{"MHz", "megahertz", "megahertz"},
    Unit{"kHz", "kilohertz", "kilohertz"},
    Unit{"Hz", "hertz", "hertz"},
    Unit{"TB", "terabyte", "terabytes"},
    Unit{"GB", "gigabyte", "gigabytes"},
    Unit{"MB", "megabyte", "megabytes"},
    Unit{"KB", "kilobyte", "kilobytes"},
    Unit{"kB", "kilobyte", "kilobytes"},
    Unit{"kW", "kilowatt", "kilowatts"},
    Unit{"MW", "megawatt", "megawatts"},
    Unit{"mW", "milliwatt", "milliwatts"},
    Unit{"W", "watt", "watts"},
    Unit{"V", "volt", "volts"},
    Unit{"km", "kilometer", "kilometers"},
    Unit{"cm", "centimeter", "centimeters"},
    Unit{"mm", "millimeter", "millimeters"},
    Unit{"m", "meter", "meters"},
    Unit{"kg", "kilogram", "kilograms"},
    Unit{"mg", "milligram", "milligrams"},
    Unit{"g", "gram", "grams"},
    Unit{"lbs", "pound", "pounds"},
    Unit{"lb", "pound", "pounds"},
    Unit{"oz", "ounce", "ounces"},
    Unit{"ft", "foot", "feet"},
    Unit{"mi", "mile", "miles"},
    Unit{"ml", "milliliter", "milliliters"},
    Unit{"mL", "milliliter", "milliliters"},
    Unit{"L", "liter", "liters"},
    Unit{"ms", "millisecond", "milliseconds"},
    Unit{"min", "minute", "minutes"},
    Unit{"hrs", "hour", "hours"},
    Unit{"hr", "hour", "hours"},
};

/// What must come after an abbreviation for a row to apply.
enum class Follows { kAnything, kCapital, kDigit };
/// Whether the full stop belongs to it.
enum class Stop { kOptional, kRequired };

struct Shortening {
  std::string_view written;  ///< without its last full stop
  std::string_view spoken;
  Stop stop = Stop::kOptional;
  Follows follows = Follows::kAnything;
};

/// The first row that fits is taken.
inline constexpr std::array kShortenings = {
    Shortening{"Mr", "Mister"},
    Shortening{"Mrs", "Missus"},
    Shortening{"Ms", "Miz"},
    Shortening{"Dr", "Doctor", Stop::kOptional, Follows::kCapital},
    Shortening{"Dr", "Drive", Stop::kRequired},
    Shortening{"St", "Saint", Stop::kOptional, Follows::kCapital},
    Shortening{"St", "Street"},
    Shortening{"Prof", "Professor", Stop::kOptional, Follows::kCapital},
    Shortening{"Mt", "Mount", Stop::kOptional, Follows::kCapital},
    Shortening{"Gen", "General", Stop::kRequired, Follows::kCapital},
    Shortening{"Sen", "Senator", Stop::kRequired, Follows::kCapital},
    Shortening{"Gov", "Governor", Stop::kRequired, Follows::kCapital},
    Shortening{"Lt", "Lieutenant", Stop::kRequired, Follows::kCapital},
    Shortening{"Col", "Colonel", Stop::kRequired, Follows::kCapital},
    Shortening{"Sgt", "Sergeant", Stop::kOptional, Follows::kCapital},
    Shortening{"Capt", "Captain", Stop::kOptional, Follows::kCapital},
    Shortening{"Rev", "Reverend", Stop::kRequired, Follows::kCapital},
    Shortening{"Jr", "Junior"},
    Shortening{"Sr", "Senior", Stop::kRequired},
    Shortening{"Ave", "Avenue", Stop::kRequired},
    Shortening{"Blvd", "Boulevard"},
    Shortening{"Rd", "Road"},
    Shortening{"vs", "versus"},
    Shortening{"etc", "et cetera"},
    Shortening{"approx", "approximately"},
    Shortening{"e.g", "for example", Stop::kRequired},
    Shortening{"i.e", "that is", Stop::kRequired},
    Shortening{"No", "number", Stop::kRequired, Follows::kDigit},
    Shortening{"Fig", "figure", Stop::kRequired, Follows::kDigit},
    Shortening{"w/o", "without"},
    Shortening{"w/", "with"},
};

struct Sign {
  std::string_view written, spoken;
};

/// Signs that stand alone, between spaces.
inline constexpr std::array kLoneSigns = {
    Sign{"&", "and"},
    Sign{"@", "at"},
    Sign{"+", "plus"},
    Sign{"=", "equals"},
    Sign{"*", "times"},
    Sign{"<", "is less than"},
    Sign{">", "is greater than"},
};

/// Signs wherever they stand.
inline constexpr std::array kSigns = {
    Sign{"×", " times "},
    Sign{"÷", " divided by "},
    Sign{"≈", " about "},
    Sign{"≤", " at most "},
    Sign{"≥", " at least "},
    Sign{"±", " plus or minus "},
    Sign{"½", " one half"},
    Sign{"¼", " one quarter"},
    Sign{"¾", " three quarters"},
    Sign{"™", ""},
    Sign{"®", ""},
    Sign{"©", ""},
    Sign{"§", "section "},
    Sign{"№", "number "},
    Sign{"−", "minus "},
};

inline constexpr std::array kFractions = {
    Sign{"1/2", "one half"},    Sign{"1/3", "one third"},      Sign{"2/3", "two thirds"},
    Sign{"1/4", "one quarter"}, Sign{"3/4", "three quarters"}, Sign{"1/10", "one tenth"},
};

/// Words, between spaces, after which four figures are a year.
inline constexpr std::string_view kBeforeYear =
    " in since until till by from year circa during before after early late mid spring summer "
    "autumn fall winter january february march april may june july august september october "
    "november december ";

/// Names whose numeral is an ordinal ("Henry VIII" is "Henry the eighth").
inline constexpr std::string_view kRulers =
    " Henry Louis George Edward Richard Charles James William Elizabeth Mary Philip Frederick "
    "Friedrich Wilhelm Alexander Nicholas Napoleon Catherine Peter Paul Benedict Pius Leo Gregory "
    "Francis Ramses Ptolemy Innocent Clement Urban Gustav Christian Harald Otto Ferdinand Juan "
    "Felipe Ivan ";

/// Words whose numeral counts, however short ("Part I", "World War I").
inline constexpr std::string_view kCounted =
    " Chapter Part Section Volume Book Act Scene War Phase Type Class Stage Level Appendix Article "
    "Figure Table Grade Title Episode Bowl Mark Version Lesson Unit Round Vol Step Tier ";

/// Words that open with a capital only because a sentence does.
inline constexpr std::string_view kNotNumbered =
    " The An This That These Those My Your His Her Its Our Their And But Or If In On At Is Are Was "
    "Were Will Can Do Does Did With Without For From To Of By When While As So Then Not No Yes ";

}  // namespace tenwatt::text
