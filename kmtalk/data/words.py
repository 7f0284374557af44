"""The words our sentences are made of: written for this project, copied from no corpus and no dictionary."""


def _words(text: str) -> list[str]:
    return text.split()


def _phrases(text: str) -> list[str]:
    return text.replace("\n", "").split("|")


NOUNS = _words("""
apple baker banjo barn basket beach bear bird blanket boat bottle bowl box boy bread bridge brother brush bubble bucket
bus butter button cabbage camera candle captain carpet castle cat chair channel cheese cherry chicken child chimney
church circus clock cloud coffee computer cookie corner cousin cow cup daisy dancer daughter decision dentist desk
doctor dog donkey door dream drum ear elephant engine evening explosion eyebrow fairy family farmer father feather
fence festival fever film finger fire fish flower flute fog food forest fork fountain fox friend garage garden giant
giraffe girl glove goat goose grandma guitar hammer harbour hat hill horse hospital house hunter idea island jacket jam
jelly journey judge juice jungle kangaroo kettle key king kitchen kite ladder lake lamb lamp lawyer leaf lemon letter
library lion lizard lobster machine magician map market measure meadow mechanic melon mirror monkey month moon morning
mother mountain mouse mouth movie mushroom music neighbour nephew nest nurse ocean office onion orange oven owl oyster
package painter palace pancake paper parade parrot party path peach pear pebble pencil penguin pepper phone piano
picture pigeon pillow pilot pirate pizza plumber pocket poem pony poppy potato puppy puzzle queen question quilt rabbit
radio raft rain ring river road robot roof rope ruby sailor salad sandwich school shadow shark sheep shell shepherd ship
shoe shop shovel sister sky smile snow soap song soup spider spoon squirrel star stone storm story strawberry street
sugar sun table tailor teacher television thief thimble throat thumb thunder tiger toast toe tomato tooth towel tower
toy train treasure tree trumpet turtle umbrella uncle valley van vase vegetable village violin visitor voice volcano
voyage waffle wagon waitress wall watch water weather web wheel whistle widow window winter wolf woman wood wool world
yacht yard yoghurt zebra zoo
""")

ADJECTIVES = _words("""
amazing ancient angry awful awkward beautiful better big bitter blue bold brave brief bright broken brown bumpy busy
calm careful cheap cheerful chewy chubby clever cloudy cold comfortable cosy crazy cruel curious dangerous dark deep
different dirty dry dusty early easy empty enormous every fabulous fair famous fancy fast fat favourite final fine
foolish fresh friendly full funny fuzzy gentle glad golden good grumpy happy healthy heavy helpful high hollow honest
huge humble hungry icy jealous jolly juicy kind large lazy light little lively lonely long lost loud lovely lucky
mighty modern moody muddy narrow noisy old orange patient perfect plain polite poor precious proud puffy pure purple
quick quiet rare rich ripe rough round royal rusty sad salty sharp shiny short shy silly silver simple sleepy slow
smooth soft sour special spicy square strange strong sweet tall tame thick thin thirsty tiny tough true ugly unusual
useful vague vast velvet warm weak wet wild wise wonderful wooden worthless yellow young
""")

VERBS_PAST = _words("""
admired answered asked baked bought borrowed broke brought brushed built buried called carried caught changed chased
checked chose cleaned collected cooked counted covered cut described discovered drew drove enjoyed examined fed filled
finished fixed followed forgot found gave grabbed guarded heard held helped hid hugged ignored imagined invented
invited joined juggled kept kicked kissed lifted loved lost measured mentioned missed mixed moved needed noticed
offered opened ordered packed painted phoned photographed picked planned played polished praised promised pulled
pushed raised read recognised remembered removed repaired rescued sang saved saw sewed shared shook showed smelled
sold stole studied surprised thanked threw tickled took touched treated trusted understood used visited wanted warned
washed watched wore worshipped wrapped wrote
""")

VERBS = _words("""
admire answer ask bake believe borrow break bring brush build buy call carry catch change check choose clean collect
cook count cover cut describe discover draw drive enjoy examine feed fill find finish fix follow forget gather give
grab guess hear help hide hold hug ignore imagine invent join judge keep kick know lift lose love measure mention miss
mix move need notice offer open order pack paint phone pick plan play polish praise prefer promise pull push reach read
remember remove repair save see sell share shave show sing smell steal study taste teach thank think throw touch treat
trust understand use visit want warn wash watch wear whisper wish wrap write
""")

ADVERBS = _words("""
actually again almost already always badly barely bravely briefly certainly clearly completely daily definitely easily
finally fortunately gently hardly honestly hopefully immediately just lately maybe mostly never now obviously often
only perhaps possibly probably quickly quietly rarely really seriously slowly softly sometimes soon suddenly surely
truly usually warmly
""")

NAMES = _words("""
Abby Albert Alice Amelia Anna Barbara Benjamin Beth Bob Brian Bruce Carol Charlie Chloe Chuck Daphne David Deborah Edith
Emma Ethan Eva Fiona Frank Fred George Grace Harvey Heather Helen Hugo Ivy Jack Jasper Jenny Joshua Joyce Judith Julia
Keith Kevin Laura Leo Lucy Luke Martha Matthew Maya Mia Michelle Nathan Nora Olive Oscar Owen Paul Peter Phoebe Piper
Rachel Robin Roy Ruth Sasha Sean Sheila Sophie Steve Susan Theo Thelma Thomas Toby Umberto Vera Victor Violet Walter
Wanda Wendy William Yvonne Zach Zoe
""")

PLACES = _words("""
Asia Athens Berlin Bombay Boston Brazil Bulgaria Cairo Chicago Denver Dublin Egypt Europe Finland Geneva Havana Iceland
India Japan Jamaica Kenya Lisbon London Mexico Mumbai Naples Norway Ohio Oxford Paris Peru Portugal Prague Quebec Rome
Sheffield Sweden Tokyo Uganda Utah Venice Vienna Warsaw Washington Wyoming Yorkshire Zambia Zurich
""")

TIMES = _phrases("""
after breakfast|after the movie|all afternoon|all year long|at half past five|at midnight|at the weekend|before lunch|
before the show|early this morning|every Thursday|every other month|for a while|for the first time|for five minutes|
in February|in the middle of the night|just before Easter|last Wednesday|last week|later this month|next year|
on Friday evening|on my birthday|once a month|once more|right now|since July|sooner or later|the day before yesterday|
this morning|three times a day|today|tomorrow|tonight|twice a week|two years ago|until Monday|when I was young|
yesterday
""")

WHERE = _phrases("""
above the clouds|across the river|along the beach|among the bushes|around the corner|at the back of the shop|at the zoo|
behind the church|below the bridge|beside the pool|between two chairs|by the fireplace|down by the harbour|
from the top of the tower|in front of the mirror|in my mother's kitchen|in the bathroom|in the big blue box|
in the garage|in the village|inside the volcano|near the beehive|next to the piano|on both sides of the valley|
on the moon|on the other side of the world|on the roof|out in the rain|outside|over the fence|through the woods|
under the umbrella|up in the attic|upstairs|with my brother|with a smile|with both hands|without a word|
without any help|with the whole family
""")

OPENERS = _phrases("""
actually|ah|alright|anyway|believe me|by the way|come on|excuse me|first of all|for example|frankly|good morning|
goodbye|guess what|hello|hey|hi there|hmm|honestly|huh|I mean|in other words|in fact|just imagine|let me see|listen|
look|my goodness|never mind|no way|no|of course|oh boy|oh|okay|oops|please|right|so|sorry|sure|thank you|to be honest|
ugh|um|uh|wait a moment|well|what a shame|whatever|who knows|wow|yeah|yes|you know|you see
""")

REPLIES = _phrases("""
Absolutely not.|Are you sure?|Be my guest.|Both of them?|Bring me some water, please.|By all means.|Congratulations!|
Don't worry about it.|Excuse me, could you move over?|Fair enough.|Five, four, three, two, one.|For goodness' sake!|
Give it to me.|Good for you!|Happy birthday!|Have a nice day.|How about you?|How are you doing?|How much is it?|
I beg your pardon?|I don't believe it!|I have no idea.|I love you.|I'm so sorry.|It was my pleasure.|Keep moving!|
Let's go.|Maybe later.|Me too.|Move, please!|My mom, my mom!|Nobody knows.|Nothing much.|Of course I do.|Oh, I see.|
Oh my, what big eyes you have!|Pass me the pepper.|Peekaboo!|Please, help me.|Push the purple button.|See you soon.|
Shh, be quiet.|Thanks very much.|That sounds good to me.|That's enough for now.|We'll see.|What?|What do you think?|
What on earth is this?|Where were you?|Which one?|Who, me?|Why not?|Why would you do that?|Wonderful!|
Would you like some more?|Yes, please.|You're welcome.|You must be joking.
""")

SUBJECTS = _words("I you he she we they everybody nobody somebody")
DETERMINERS = _words("the the the a my your his her our their this that some every another")
NUMBERS_ASIDE = _phrases("about|almost|at least|at most|exactly|maybe|nearly|over|under")

MODALS = _words("will should could might must would can shouldn't won't can't")
QUESTIONS = _phrases(
    "did|will|could|should|why did|when did|how could|where would|what if|how often did|which day should"
)
LINKS = _phrases(", and|, but| because|, so| while|; then|, although")
ORDERS = _phrases("||please |never |don't |let's |try to ")

# Spelt so that English letter-to-sound rules read them as made-up words: unusual neighbours for every sound.
MADE_ONSETS = _words("""
b p m f v w d t n l s z sh ch j k g h y r th bl br pl pr fl fr sm sp spl spr sw tw thr shr squ cl cr gl gr dr tr st str
sk sl sn wh vr
""")
MADE_NUCLEI = _words("a e i o u ee oo ay ow oy igh ar or er aw ew oa ea ou ai")
MADE_CODAS = _words("b p m f v d t n l s z sh ch k g ng th mp nd nt st lf rm sp ft dge x ll ps ms bs vs pt") + [""] * 8

SYLLABLES = {
    "ca": ("b c d f g j l m n p r s t v x ll ny", "a e i o u", "n r l s t"),
    "cmn-latn-pinyin": ("b p m f d t n l g k h j q x zh ch sh r z c s", "a ai ao an ang e ei en eng i ou u ong", ""),
    "cs": ("b c č d f h j k l m n p r s š t v z ž ch", "a e i o u á é í ý ou", "n t k s m r l"),
    "de": (
        "b d f g h j k l m n p r s t w z sch st br kr pf",
        "a e i o u ä ö ü ei au eu ie",
        "n r l s t m ch ng",
    ),
    "el": ("β γ δ ζ θ κ λ μ ν ξ π ρ σ τ φ χ ψ", "α ε ι ο ου αι ει", "ν ς ρ"),
    "es": ("b d f g j l m n p r s t v ch ll ñ rr pr", "a e i o u ia ue", "n s r l"),
    "fi": ("h j k l m n p r s t v", "a e i o u y ä ö aa ii uu", "n s l"),
    "fr": ("b d f g j l m n p r s t v ch tr pl br", "a e é i o u ou on an in eu oi ai", "r l s t"),
    "hi": ("क ख ग च ज ट ड त द न प फ ब भ म य र ल व श स ह", "ा ि ी ु ू े ो", ""),
    "hu": ("b d f g h j k l m n p r s t v z cs sz gy zs", "a e i o u á é í ó ö ő ú ü", "n r l k t m"),
    "it": ("b d f g l m n p r s t v z ci gi sc gl", "a e i o u", "n l r"),
    "ja": (
        "か き く け こ さ し す せ そ た ち つ て と な に ぬ ね の は ひ ふ へ ほ ま み む め も や ゆ よ "
        "ら り る れ ろ わ ば び ぶ べ ぼ ぱ ぴ ぷ ぺ ぽ だ で ど ざ じ ず が ぎ ぐ",
        "ー ん",
        "",
    ),
    "nl": ("b d f g h k l m n p r s t v w z", "a e i o u aa ee oe ui ij eu", "n r l s t"),
    "pl": ("b d f g k l m n p r s t w z sz cz rz ś", "a e i o u y ą ę", "n s t m k"),
    "pt-br": ("b d f g j l m n p r s t v x lh nh", "a e i o u ão ei ou ã", "s r"),
    "ru": ("б в г д ж з к л м н п р с т ф х ц ч ш", "а е и о у ы ю я", "н с т м р л"),
    "sv": ("b d f g h k l m n p r s t v sj", "a e i o u å ä ö y", "n r l s t"),
    "sw": ("b ch d f g h j k l m n p r s sh t v w y z mb nd", "a e i o u", ""),
    "tr": ("b c ç d f g h k l m n p r s ş t v y z", "a e i o u ı ö ü", "n r l k m"),
}
"""Language -> spaced onsets, nuclei and codas; an empty list of codas makes open syllables only."""
