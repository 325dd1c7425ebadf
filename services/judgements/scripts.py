"""Characters that are to be read as others: traditional Chinese as simplified, look-alike letters as Latin ones.

Only the traditional characters that words about telecom service use are here, each with one simplified form; it is a
reading aid for matching, not a converter.
"""

from __future__ import annotations

from typing import Final

# Pairs: as written, as read.
_PAIRS = (
    "網网 絡络 電电 話话 訊讯 號号 斷断 線线 寬宽 頻频 費费 錢钱 賬账 帳账 單单 據据 繳缴 續续 約约 違违 "
    "圓圆 開开 關关 機机 櫃柜 臺台 檯台 裝装 設设 備备 碼码 轉转 換换 員员 騙骗 詐诈 錯错 誤误 亂乱 無无 "
    "緣缘 沒没 說说 應应 該该 務务 態态 聯联 繫系 營营 業业 廳厅 處处 訴诉 門门 戶户 銷销 補补 償偿 賠赔 "
    "價价 優优 廣广 實实 際际 與与 個个 這这 樣样 幾几 兩两 間间 時时 會会 來来 過过 還还 後后 從从 東东 "
    "區区 樓楼 層层 鎮镇 鄉乡 縣县 醫医 學学 緊紧 報报 險险 觸触 殘残 礙碍 獨独 兒儿 婦妇 導导 遲迟 維维 "
    "護护 師师 預预 遙遥 視视 顯显 圖图 畫画 聽听 聲声 雜杂 響响 穩稳 頓顿 連连 結结 鏈链 測测 試试 傳传 "
    "輸输 達达 標标 減减 陸陆 麼么 誰谁 讓让 請请 問问 題题 對对 錄录 記记 協协 議议 強强 綁绑 訂订 閱阅 "
    "點点 擊击 贈赠 積积 總总 額额 餘余 計计 較较 貴贵 漲涨 陰阴 領领 獎奖 選选 擇择 隨随 變变 條条 項项 "
    "給给 為为 購购 買买 賣卖 貨货 郵邮 遞递 發发 驗验 證证 認认 鎖锁 滿满 級级 壞坏 塊块 張张 職职 權权 "
    "經经 歷历 訟讼 館馆 檢检 監监 體体 壓压 騷骚 擾扰 詞词 終终 歸归 屬属 異异 歐欧 壟垄 損损 閉闭 啟启 "
    "動动 當当 釋释 卻却 讀读 寫写 見见 覺觉 歡欢 麗丽 龍龙 節节 竊窃 雙双 裡里 裏里 舊旧 許许 諾诺 謊谎 "
    "擔担 簽签 資资 們们 嗎吗 難难 邊边 離离 敗败 幫帮 復复 確确 絕绝 頁页 質质 帶带 擋挡 綫线 啓启 佔占 "
    "偽伪 儲储 冊册 勸劝 圍围 夠够 執执 專专 尋寻 屆届 廢废 徵征 憑凭 戰战 掛挂 搶抢 撥拨 數数 於于 暫暂 "
    "檔档 殺杀 滯滞 潰溃 災灾 煩烦 爛烂 獲获 疊叠 盡尽 眾众 禮礼 稱称 筆笔 糾纠 納纳 細细 統统 繞绕 罵骂 "
    "義义 肅肃 脫脱 萬万 虛虚 蝕蚀 衝冲 討讨 訪访 診诊 詢询 誘诱 誠诚 調调 諮咨 譽誉 貸贷 責责 賦赋 賺赚 "
    "趕赶 趨趋 跡迹 轄辖 辦办 遠远 適适 銀银 鐘钟 長长 閒闲 闆板 隊队 飛飞 騎骑 驚惊 鬧闹 齊齐 亞亚 傷伤 "
    "僅仅 內内 兇凶 凍冻 則则 劃划 創创 勢势 匯汇 參参 吳吴 嚴严 壽寿 孫孙 宮宫 屢屡 島岛 彈弹 徹彻 憂忧 "
    "懷怀 戲戏 擴扩 曉晓 朧胧 槍枪 樁桩 殼壳 氣气 漢汉 濫滥 爭争 狀状 獄狱 現现 畢毕"
)
SIMPLIFIED: Final = {pair[0]: pair[1] for pair in _PAIRS.split()}

# Cyrillic and Greek letters that pass for Latin ones, and typographic marks that pass for plain ones.
_LOOKALIKE_PAIRS = (
    "аa еe оo рp сc уy хx іi јj ѕs ԁd һh кk мm тt вb пn οo αa εe ρp νv ιi κk τt υu χx ’' ‘' “\" ”\" –- —- ‐- ‑-"
)
LOOKALIKES: Final = {pair[0]: pair[1] for pair in _LOOKALIKE_PAIRS.split()}
